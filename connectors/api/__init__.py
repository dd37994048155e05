"""The REST API: another program speaks for people, reads the desk and acts on it, with a key of its own."""
