"""Measures this process for the sampler and for probe requests; one probe per module."""
