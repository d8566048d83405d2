"""Breaks a real server again and again, and checks what it acknowledged."""
