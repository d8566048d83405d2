"""Reads Python objects for the census, the heap walker and errors, running none of their code."""
