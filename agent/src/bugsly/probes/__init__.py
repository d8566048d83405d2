"""Probes: each file measures one thing about this process and returns it as a value."""
