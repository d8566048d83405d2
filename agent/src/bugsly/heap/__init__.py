"""Walks the heap of this worker in a child process and finds what grows in it, for a probe."""
