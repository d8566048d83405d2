"""Stores everything that is kept: the only folder with SQL; see ports.py for its ports."""
