"""Guests in someone else's process: one framework per file, through its public hooks."""
