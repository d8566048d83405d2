"""Walks the heap of this worker, in a child of its own, and tells who keeps what."""
