"""Limits how many events a project may send in a minute and in a day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bugsly_server.clock import DAY, MINUTE, SECOND, Micros

SDK_SHARE = 0.8
"""What events with SDK keys may use up; strangers do not have the keys of agents."""

CountSent = Callable[[int, Micros], int]
"""Returns how many events of a project were kept since a moment."""


@dataclass(slots=True)
class _Usage:
    """What a project has sent in the current minute or day."""

    since: Micros = -1
    events: int = 0


class Quota:
    """Counts the events of each project; *count_sent* counts those before the server started."""

    def __init__(self, per_minute: int, per_day: int, count_sent: CountSent) -> None:
        self._limits = {MINUTE: per_minute, DAY: per_day}
        self._count_sent = count_sent
        self._usage: dict[tuple[int, Micros], _Usage] = {}

    def pause_seconds(self, project_id: int, now: Micros, share: float = 1.0) -> int:
        """Return for how many seconds no events are taken; 0 where they are taken now.

        *share* is the part of the quota that the sender may use up.
        """
        ends = [
            self._usage_in(project_id, span, now).since + span
            for span, most in self._limits.items()
            if self._usage_in(project_id, span, now).events >= most * share
        ]
        return -(-(max(ends) - now) // SECOND) if ends else 0

    def add_usage(self, project_id: int, events: int, now: Micros) -> None:
        """Count *events* that were sent."""
        for span in self._limits:
            self._usage_in(project_id, span, now).events += events

    def _usage_in(self, project_id: int, span: Micros, now: Micros) -> _Usage:
        known = self._usage.get((project_id, span))
        since = now - now % span
        if known is None or known.since != since:
            before = self._count_sent(project_id, since) if span == DAY else 0
            known = self._usage[project_id, span] = _Usage(since, before)
        return known
