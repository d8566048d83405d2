"""Planted secrets and innocent look-alikes, and the values that are planted."""
