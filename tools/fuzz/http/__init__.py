"""Sends a real server requests that are almost right, many at once, and watches what it does."""
