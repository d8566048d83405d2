"""The heap walker in Python, for an interpreter without the compiled one; it gives the same results."""
