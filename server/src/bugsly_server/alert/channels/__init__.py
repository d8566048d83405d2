"""Where alerts go: one kind of place a file."""
