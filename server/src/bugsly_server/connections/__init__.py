"""Takes connections in, no more than the server can serve, and none that keeps it waiting."""
