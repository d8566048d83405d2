"""Groups a batch of events, and decides what to store and to count of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from bugsly_server.clock import HOUR, Micros
from bugsly_server.decode.batch import ReceivedEvent
from bugsly_server.decode.lenient_json import number
from bugsly_server.fingerprint.error import ErrorGroup, group_event
from bugsly_server.model.event import ErrorEvent
from bugsly_server.store.meta.groupings import Grouping, Specimen
from bugsly_server.store.ports import StoredEvent

MAX_BODIES_PER_HOUR = 50
"""Bodies of a grouping that are stored in an hour before only every `BODY_INTERVAL`th is."""
BODY_INTERVAL = 100
SPECIMEN_INTERVAL: Micros = HOUR
"""Between two events of a grouping that outlast the day files."""

GroupingsByFingerprint = dict[str, Grouping]


class GroupedEvent(NamedTuple):
    """A decoded event, the group it belongs to, and the payload to store."""

    event: ErrorEvent
    group: ErrorGroup
    payload: bytes

    @property
    def id(self) -> bytes:
        """Return the event's id as the store keeps it."""
        return bytes.fromhex(self.event.id)

    @property
    def amount(self) -> int:
        """Return how many events it stands for: a client counts those that it held back."""
        held_back = self.event.contexts.get("bugsly", {}).get("held_back")
        return 1 + number(held_back, 10**6)

    def grouping(self, known: GroupingsByFingerprint) -> Grouping:
        """Return the grouping it belongs to."""
        return known[self.group.fingerprint]


def group_events(events: Iterable[ReceivedEvent]) -> list[GroupedEvent]:
    """Return *events* with the group that each belongs to, in their order."""
    return [GroupedEvent(event, group_event(event), payload) for event, payload in events]


def events_to_keep(
    events: Iterable[GroupedEvent], known: GroupingsByFingerprint, hour: Mapping[int, int]
) -> list[StoredEvent]:
    """Return the events to store; *hour* counts those of each grouping in this hour so far."""
    numbers = dict(hour)
    kept = []
    for grouped in events:
        key = grouped.grouping(known).id
        count = numbers[key] = numbers.get(key, 0) + 1
        if count <= MAX_BODIES_PER_HOUR or count % BODY_INTERVAL == 0:
            kept.append(StoredEvent(key, grouped.event.at, grouped.id, grouped.payload))
    return kept


def specimens_to_keep(
    events: Iterable[GroupedEvent], known: GroupingsByFingerprint
) -> list[Specimen]:
    """Return the events to keep for good: the first of a grouping, and the latest, once an hour."""
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
    """Return the count and latest moment of each grouping, and the count of each of its hours."""
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
    """Return the facts of each error's latest event, as `error_issues.update_latest` takes them."""
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
