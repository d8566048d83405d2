"""Explains leaks and errors in words that a tired person understands, and shows the fix."""
