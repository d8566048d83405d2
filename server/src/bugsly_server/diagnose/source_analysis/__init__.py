"""Reads application source: what adds to a holder, what bounds it, and which line is at fault."""
