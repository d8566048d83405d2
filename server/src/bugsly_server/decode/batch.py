"""Decodes the items of a batch: memory reports, events and sessions, in the order of arrival."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple, Protocol

from bugsly.protocol.memory import MemoryReport
from bugsly_server.clock import Micros
from bugsly_server.decode.event import decode_event_summary
from bugsly_server.decode.memory_report import UnreadableReport, decode_report
from bugsly_server.decode.session import SessionTally, decode_sessions
from bugsly_server.model.event import ErrorEvent

REPEATED_EVENT = "event that had arrived before"


class ReceivedItem(Protocol):
    """An item as it was accepted."""

    @property
    def received_at(self) -> Micros:
        """When it was received."""

    @property
    def payload(self) -> bytes:
        """Its body."""

    @property
    def secret_hash(self) -> str | None:
        """The SHA-256 of the secret that came with it."""


class ReceivedReport(NamedTuple):
    """A decoded report of one worker, when it was received, and the hash of its secret."""

    received_at: Micros
    report: MemoryReport
    secret_hash: str | None = None


class ReceivedEvent(NamedTuple):
    """A decoded event, and the payload to store."""

    event: ErrorEvent
    payload: bytes


def decode_reports(items: Iterable[ReceivedItem], skipped: Counter[str]) -> list[ReceivedReport]:
    """Return the reports in *items*; count those that cannot be read."""
    reports = []
    for item in items:
        try:
            report = decode_report(item.payload, skipped)
            reports.append(ReceivedReport(item.received_at, report, item.secret_hash))
        except UnreadableReport as error:
            skipped[str(error)] += 1
    return reports


def decode_events(items: Iterable[ReceivedItem], skipped: Counter[str]) -> list[ReceivedEvent]:
    """Return the events in *items*, each once, oldest first; count the others."""
    events: dict[str, ReceivedEvent] = {}
    for item in items:
        event = decode_event_summary(item.payload, item.received_at, skipped)
        if event is None:
            continue
        if event.id in events:
            skipped[REPEATED_EVENT] += 1
        else:
            events[event.id] = ReceivedEvent(event, item.payload)
    return sorted(events.values(), key=lambda received: received.event.at)


def decode_session_items(
    items: Iterable[ReceivedItem], skipped: Counter[str]
) -> list[SessionTally]:
    """Return the sessions in *items*; count those that belong to no release."""
    return [
        tally
        for item in items
        for tally in decode_sessions(item.payload, item.received_at, skipped)
    ]
