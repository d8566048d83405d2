"""Reads a batch of events, and says what is kept and counted of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from bugsly_server.clock import HOUR, Micros
from bugsly_server.digest.event import decode_event
from bugsly_server.digest.loose import number
from bugsly_server.group.fingerprint import Group, group
from bugsly_server.model.event import Event
from bugsly_server.store.meta.groupings import Grouping, Specimen
from bugsly_server.store.ports import Entry, StoredEvent

EVERY_OF_AN_HOUR = 50
"""Events of a grouping whose bodies are all kept in an hour; of more, each hundredth is."""
ONE_OF = 100
LATE_APART: Micros = HOUR
"""Between two events of a grouping that are kept for good."""
REPEATED = "event that had arrived before"

Known = dict[str, Grouping]
"""By fingerprint."""


class Met(NamedTuple):
    """One event, read and grouped, with what is kept of it."""

    event: Event
    group: Group
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

    def grouping(self, known: Known) -> Grouping:
        """Return the grouping it belongs to."""
        return known[self.group.fingerprint]


def read_batch(entries: Iterable[Entry], skipped: Counter[str]) -> list[Met]:
    """Return the events in *entries*, each once, oldest first."""
    read: dict[str, Met] = {}
    for entry in entries:
        event = decode_event(entry.payload, entry.received_at, skipped)
        if event is None:
            continue
        if event.id in read:
            skipped[REPEATED] += 1
        else:
            read[event.id] = Met(event, group(event), entry.payload)
    return sorted(read.values(), key=lambda one: one.event.at)


def kept_of(met: Iterable[Met], known: Known, hour: Mapping[int, int]) -> list[StoredEvent]:
    """Return the events to keep; *hour* says how many of each grouping this hour had before."""
    numbers = dict(hour)
    kept = []
    for one in met:
        key = one.grouping(known).id
        count = numbers[key] = numbers.get(key, 0) + 1
        if count <= EVERY_OF_AN_HOUR or count % ONE_OF == 0:
            kept.append(StoredEvent(key, one.event.at, one.id, one.payload))
    return kept


def specimens_of(met: Iterable[Met], known: Known) -> list[Specimen]:
    """Return the events to keep for good: the first of a grouping, and one of each later hour."""
    kept: dict[tuple[int, bool], Specimen] = {}
    for one in met:
        grouping = one.grouping(known)
        late = grouping.events > 0
        if one.event.at - grouping.specimen_at >= LATE_APART:
            kept.setdefault(
                (grouping.id, late),
                Specimen(grouping.id, late, one.id, one.event.at, one.payload),
            )
    return list(kept.values())


def count_up(
    met: Iterable[Met], known: Known
) -> tuple[dict[int, tuple[int, Micros]], dict[tuple[int, int], int]]:
    """Return the events of each grouping with the newest moment, and those of each hour."""
    amounts: dict[int, tuple[int, Micros]] = {}
    hours: Counter[tuple[int, int]] = Counter()
    for one in met:
        key = one.grouping(known).id
        amounts[key] = (amounts.get(key, (0, 0))[0] + one.amount, one.event.at)
        hours[key, one.event.at // HOUR] += one.amount
    return amounts, hours


def latest_of(met: Iterable[Met], known: Known) -> list[dict[str, Any]]:
    """Return for each error its newest event's facts, as `errors.touch` wants them."""
    facts: dict[int, dict[str, Any]] = {}
    for one in met:
        key = one.grouping(known).issue_id
        more = facts[key]["more"] if key in facts else 0
        facts[key] = {
            "key": key,
            "new_seen_at": one.event.at,
            "new_release": one.event.release,
            "new_environment": one.event.environment,
            "more": more + one.amount,
        }
    return list(facts.values())


def by_issue(met: Iterable[Met], known: Known) -> dict[int, Sequence[Event]]:
    """Return the events of each error."""
    found: dict[int, list[Event]] = defaultdict(list)
    for one in met:
        found[one.grouping(known).issue_id].append(one.event)
    return dict(found)
