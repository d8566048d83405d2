"""Reads a batch of events, and says what is kept and counted of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from bugsly_server.clock import HOUR, Micros
from bugsly_server.decode.event import decode_event_summary
from bugsly_server.decode.lenient_json import number
from bugsly_server.fingerprint.error import ErrorGroup, group_event
from bugsly_server.model.event import ErrorEvent
from bugsly_server.store.meta.groupings import Grouping, Specimen
from bugsly_server.store.ports import SpoolEntry, StoredEvent

MAX_BODIES_PER_HOUR = 50
"""Events of a grouping whose bodies are all kept in an hour; of more, each hundredth is."""
SAMPLE_EVERY = 100
SPECIMEN_INTERVAL: Micros = HOUR
"""Between two events of a grouping that are kept for good."""
REPEATED_EVENT = "event that had arrived before"

GroupingsByFingerprint = dict[str, Grouping]
"""By fingerprint."""


class GroupedEvent(NamedTuple):
    """One event, read and grouped, with what is kept of it."""

    event: ErrorEvent
    group: ErrorGroup
    payload: bytes

    @property
    def id(self) -> bytes:
        """Return the event's id as the store keeps it."""
        return bytes.fromhex(self.event.id)

    @property
    def amount(self) -> int:
        """Return how many events it stands for: a client may hold back some that are alike."""
        held_back = self.event.contexts.get("bugsly", {}).get("held_back")
        return 1 + number(held_back, 10**6)

    def grouping(self, known: GroupingsByFingerprint) -> Grouping:
        """Return the grouping it belongs to."""
        return known[self.group.fingerprint]


def read_batch(entries: Iterable[SpoolEntry], skipped: Counter[str]) -> list[GroupedEvent]:
    """Return the events in *entries*, each once, oldest first."""
    read: dict[str, GroupedEvent] = {}
    for entry in entries:
        event = decode_event_summary(entry.payload, entry.received_at, skipped)
        if event is None:
            continue
        if event.id in read:
            skipped[REPEATED_EVENT] += 1
        else:
            read[event.id] = GroupedEvent(event, group_event(event), entry.payload)
    return sorted(read.values(), key=lambda grouped: grouped.event.at)


def events_to_keep(
    events: Iterable[GroupedEvent], known: GroupingsByFingerprint, hour: Mapping[int, int]
) -> list[StoredEvent]:
    """Return the events to keep; *hour* says how many of each grouping this hour had before."""
    numbers = dict(hour)
    kept = []
    for grouped in events:
        key = grouped.grouping(known).id
        count = numbers[key] = numbers.get(key, 0) + 1
        if count <= MAX_BODIES_PER_HOUR or count % SAMPLE_EVERY == 0:
            kept.append(StoredEvent(key, grouped.event.at, grouped.id, grouped.payload))
    return kept


def specimens_to_keep(
    events: Iterable[GroupedEvent], known: GroupingsByFingerprint
) -> list[Specimen]:
    """Return the events to keep for good: the first of a grouping, and one of each later hour."""
    kept: dict[tuple[int, bool], Specimen] = {}
    for grouped in events:
        grouping = grouped.grouping(known)
        is_late = grouping.events > 0
        if grouped.event.at - grouping.specimen_at >= SPECIMEN_INTERVAL:
            kept.setdefault(
                (grouping.id, is_late),
                Specimen(grouping.id, is_late, grouped.id, grouped.event.at, grouped.payload),
            )
    return list(kept.values())


def count_events(
    events: Iterable[GroupedEvent], known: GroupingsByFingerprint
) -> tuple[dict[int, tuple[int, Micros]], dict[tuple[int, int], int]]:
    """Return the events of each grouping with the newest moment, and those of each hour."""
    amounts: dict[int, tuple[int, Micros]] = {}
    hours: Counter[tuple[int, int]] = Counter()
    for grouped in events:
        key = grouped.grouping(known).id
        amounts[key] = (amounts.get(key, (0, 0))[0] + grouped.amount, grouped.event.at)
        hours[key, grouped.event.at // HOUR] += grouped.amount
    return amounts, hours


def latest_facts(
    events: Iterable[GroupedEvent], known: GroupingsByFingerprint
) -> list[dict[str, Any]]:
    """Return for each error its newest event's facts, as `errors.touch` wants them."""
    facts: dict[int, dict[str, Any]] = {}
    for grouped in events:
        key = grouped.grouping(known).issue_id
        more = facts[key]["more"] if key in facts else 0
        facts[key] = {
            "key": key,
            "new_seen_at": grouped.event.at,
            "new_release": grouped.event.release,
            "new_environment": grouped.event.environment,
            "more": more + grouped.amount,
        }
    return list(facts.values())


def events_by_issue(
    events: Iterable[GroupedEvent], known: GroupingsByFingerprint
) -> dict[int, Sequence[ErrorEvent]]:
    """Return the events of each error."""
    found: dict[int, list[ErrorEvent]] = defaultdict(list)
    for grouped in events:
        found[grouped.grouping(known).issue_id].append(grouped.event)
    return dict(found)
