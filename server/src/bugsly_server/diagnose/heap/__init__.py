"""Reads walks of the heap: the holders met, the growing ones, and the requests that drive them."""
