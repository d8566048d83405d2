"""Computes the fingerprints that say which findings and events are the same issue; pure."""
