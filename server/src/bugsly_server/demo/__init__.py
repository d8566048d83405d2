"""A small shop with a memory leak, and its customers, for `bugsly demo`."""
