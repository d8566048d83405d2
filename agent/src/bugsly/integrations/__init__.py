"""Follows frameworks and servers through their public hooks, one framework per file."""
