"""Limits what a project and a key may send in a minute and in a day."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from bugsly_server.clock import DAY, MINUTE, SECOND, Micros

Subject = TypeVar("Subject", bound=Hashable)
CountSent = Callable[[int, Micros], int]
"""Returns how much of a project was kept since a moment."""

SDK_SHARE = 0.8
"""What events with SDK keys may use up; strangers do not have the keys of agents."""
EVENTS_REASON = "event over the quota"
REPORTS_REASON = "memory report over the limit of its key"
BYTES_REASON = "item over the bytes of a day"
MEMORY_TYPES = ("memory", "trace_metric")
KEPT_TYPES = ("event", *MEMORY_TYPES, "session", "sessions")


@dataclass(slots=True)
class _Usage:
    """What was used in the current span."""

    since: Micros = -1
    amount: int = 0


class Allowance(Generic[Subject]):
    """What each subject may use in each span of time; *count_before* counts what it used earlier.

    Spans begin at multiples of their length: a day begins at midnight UTC.
    """

    def __init__(
        self, limit: int, span: Micros, count_before: Callable[[Subject, Micros], int] | None = None
    ) -> None:
        self._limit = limit
        self._span = span
        self._count_before = count_before
        self._usage: dict[Subject, _Usage] = {}

    def pause_seconds(self, subject: Subject, now: Micros, share: float = 1.0) -> int:
        """Return for how many seconds *share* of it is used up; 0 where some is left."""
        usage = self._current(subject, now)
        is_used_up = usage.amount >= self._limit * share
        return -(-(usage.since + self._span - now) // SECOND) if is_used_up else 0

    def used(self, subject: Subject, now: Micros) -> int:
        """Return what is used of the current span."""
        return self._current(subject, now).amount

    def add_usage(self, subject: Subject, amount: int, now: Micros) -> None:
        """Count *amount*."""
        self._current(subject, now).amount += amount

    def _current(self, subject: Subject, now: Micros) -> _Usage:
        known = self._usage.get(subject)
        since = now - now % self._span
        if known is None or known.since != since:
            count = self._count_before
            before = 0 if count is None else count(subject, since)
            known = self._usage[subject] = _Usage(since, before)
        return known


class Pauses(NamedTuple):
    """For how many seconds a client may send none of each; 0 where it may."""

    events: int = 0
    reports: int = 0
    everything: int = 0

    @property
    def refused_types(self) -> Mapping[str, str]:
        """Return the types of items that are not kept, each with the reason to count."""
        if self.everything:
            return dict.fromkeys(KEPT_TYPES, BYTES_REASON)
        events = {"event": EVENTS_REASON} if self.events else {}
        return events | (dict.fromkeys(MEMORY_TYPES, REPORTS_REASON) if self.reports else {})

    @property
    def longest(self) -> int:
        """Return the longest of them."""
        return max(self)


class QuotaLimits(NamedTuple):
    """What each project, and of reports each key, may send."""

    events_per_minute: int
    events_per_day: int
    bytes_per_day: int
    reports_per_minute: int


class UsedInMinute(NamedTuple):
    """What was sent in the current minute."""

    events: int
    reports: int


class Quota:
    """The limits of a server; the counts that it is given are of what was kept before its start."""

    def __init__(
        self, limits: QuotaLimits, count_events: CountSent, count_bytes: CountSent
    ) -> None:
        self._events: tuple[Allowance[int], ...] = (
            Allowance(limits.events_per_minute, MINUTE),
            Allowance(limits.events_per_day, DAY, count_events),
        )
        self._bytes: Allowance[int] = Allowance(limits.bytes_per_day, DAY, count_bytes)
        self._reports: Allowance[str] = Allowance(limits.reports_per_minute, MINUTE)

    def pauses(self, project_id: int, key: str, share: float, now: Micros) -> Pauses:
        """Return what may not be sent to a project now by *key*.

        *share* is the part of the quota of events that the sender may use up.
        """
        return Pauses(
            events=max(one.pause_seconds(project_id, now, share) for one in self._events),
            reports=self._reports.pause_seconds(key, now),
            everything=self._bytes.pause_seconds(project_id, now),
        )

    def used_in_minute(self, project_id: int, keys: Iterable[str], now: Micros) -> UsedInMinute:
        """Return what a project has sent in this minute, and the most that one of *keys* has."""
        return UsedInMinute(
            self._events[0].used(project_id, now),
            max((self._reports.used(key, now) for key in keys), default=0),
        )

    def add_events(self, project_id: int, events: int, now: Micros) -> None:
        """Count *events* that were sent."""
        for allowance in self._events:
            allowance.add_usage(project_id, events, now)

    def add_kept(self, project_id: int, key: str, reports: int, size: int, now: Micros) -> None:
        """Count memory *reports* and the bytes of all that was kept, *size*."""
        self._reports.add_usage(key, reports, now)
        self._bytes.add_usage(project_id, size, now)
