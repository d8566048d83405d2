"""Samples and events on SQLite: a file for each tier and day or month, dropped whole when old."""

from bugsly_server.store.telemetry.sqlite_events import SqliteEventStore
from bugsly_server.store.telemetry.sqlite_telemetry import SqliteTelemetry

__all__ = ["SqliteEventStore", "SqliteTelemetry"]
