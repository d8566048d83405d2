"""What each project holds secret besides, as its set-up page says."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bugsly_server.clock import SECOND, Micros
from bugsly_server.scrub.scrub import Scrubber

READ_APART: Micros = 5 * SECOND


class Scrubbers:
    """The scrubber of each project; *load* gives the names of its secrets, which may change."""

    def __init__(self, load: Callable[[], Mapping[int, tuple[str, ...]]]) -> None:
        self._load = load
        self._named: Mapping[int, tuple[str, ...]] = {}
        self._read_at: Micros = -READ_APART
        self._made: dict[int, tuple[tuple[str, ...], Scrubber]] = {}

    def of(self, project_id: int, now: Micros) -> Scrubber:
        """Return it for one project; a change of the names is seen within five seconds."""
        if now - self._read_at >= READ_APART:
            self._named = self._load()
            self._read_at = now
        names = self._named.get(project_id, ())
        known = self._made.get(project_id)
        if known is None or known[0] != names:
            known = self._made[project_id] = (names, Scrubber(names))
        return known[1]
