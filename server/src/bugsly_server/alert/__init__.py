"""Brings a change of an issue to where people look."""
