"""Measures what Bugsly costs and how fast it is, beside peers in the same run.

`make bench` runs everything and writes docs/benchmarks.md; ARGS picks sections, as ARGS="agent".
"""
