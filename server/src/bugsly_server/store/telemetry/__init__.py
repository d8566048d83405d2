"""Samples on SQLite: one file for each tier and day or month, dropped whole when it is old."""

from bugsly_server.store.telemetry.sqlite import SqliteTelemetry

__all__ = ["SqliteTelemetry"]
