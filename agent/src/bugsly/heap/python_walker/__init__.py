"""The heap walker in Python, for interpreters without the one in C; its results are the same."""
