"""How many events a project may send in a minute and in a day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bugsly_server.clock import DAY, MINUTE, SECOND, Micros

Sent = Callable[[int, Micros], int]
"""Says how many events of a project were kept since a moment."""


@dataclass(slots=True)
class _Spent:
    """What a project has sent in the span that began last."""

    since: Micros = -1
    events: int = 0


class Quota:
    """Counts the events of each project; *sent* tells what came before the server started."""

    def __init__(self, a_minute: int, a_day: int, sent: Sent) -> None:
        self._most = {MINUTE: a_minute, DAY: a_day}
        self._sent = sent
        self._spent: dict[tuple[int, Micros], _Spent] = {}

    def pause(self, project_id: int, now: Micros) -> int:
        """Return for how many seconds no more events are taken; 0 where they are."""
        ends = [
            self._of(project_id, span, now).since + span
            for span, most in self._most.items()
            if self._of(project_id, span, now).events >= most
        ]
        return -(-(max(ends) - now) // SECOND) if ends else 0

    def spend(self, project_id: int, events: int, now: Micros) -> None:
        """Note that *events* were taken."""
        for span in self._most:
            self._of(project_id, span, now).events += events

    def _of(self, project_id: int, span: Micros, now: Micros) -> _Spent:
        known = self._spent.get((project_id, span))
        since = now - now % span
        if known is None:
            before = self._sent(project_id, since) if span == DAY else 0
            known = self._spent[project_id, span] = _Spent(since, before)
        elif known.since != since:
            known.since, known.events = since, 0
        return known
