"""A small shop with a memory leak, and its customers: what `bugsly demo` shows."""
