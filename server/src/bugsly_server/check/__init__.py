"""Finds in source code what leaks memory once it serves requests, without running it."""
