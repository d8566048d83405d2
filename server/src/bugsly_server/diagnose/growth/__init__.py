"""Measures the growth of memory and of counted holders, and the endpoints that drive it."""
