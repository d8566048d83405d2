"""Alerts of issue changes: their text and JSON, and the channels that send them."""
