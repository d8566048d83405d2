"""Explains exceptions by rules, from the frames and locals of an event, without a model."""
