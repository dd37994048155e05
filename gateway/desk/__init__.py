"""What people do with tickets, the verbs once for every surface. Pure."""
