"""`bugsly check`: finds what leaks in source code, and fixes some of it."""
