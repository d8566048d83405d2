"""Measures growth: of memory and of holders, its pattern, and the endpoint that drives it."""
