"""To people and on to the next people: the one path, the levels, the words for the desk. Pure."""
