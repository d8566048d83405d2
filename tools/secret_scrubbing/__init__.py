"""Counts which planted secrets Bugsly and its peers let through, and what they redact in vain."""
