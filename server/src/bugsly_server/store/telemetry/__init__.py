"""Samples and events on SQLite: a file for each tier and day or month, dropped whole when old."""

from bugsly_server.store.telemetry.events import SqliteEvents
from bugsly_server.store.telemetry.sqlite import SqliteTelemetry

__all__ = ["SqliteEvents", "SqliteTelemetry"]
