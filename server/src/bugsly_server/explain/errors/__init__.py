"""Explains exceptions by rules: from the event's own frames and locals, without any model."""
