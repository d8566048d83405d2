"""Gives each project a scrubber for the additional secrets on its set-up page."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bugsly_server.clock import SECOND, Micros
from bugsly_server.scrub.scrubber import Scrubber

RELOAD_INTERVAL: Micros = 5 * SECOND


class ProjectScrubbers:
    """The scrubber of each project; *load* returns the names of their secrets, which may change."""

    def __init__(self, load: Callable[[], Mapping[int, tuple[str, ...]]]) -> None:
        self._load = load
        self._secret_names: Mapping[int, tuple[str, ...]] = {}
        self._loaded_at: Micros = -RELOAD_INTERVAL
        self._scrubbers: dict[int, tuple[tuple[str, ...], Scrubber]] = {}

    def for_project(self, project_id: int, steady: Micros) -> Scrubber:
        """Return the scrubber of a project; it follows changes within `RELOAD_INTERVAL`.

        *steady* is the count of a clock that nobody can set.
        """
        if steady - self._loaded_at >= RELOAD_INTERVAL:
            self._secret_names = self._load()
            self._loaded_at = steady
        names = self._secret_names.get(project_id, ())
        known = self._scrubbers.get(project_id)
        if known is None or known[0] != names:
            known = self._scrubbers[project_id] = (names, Scrubber(names))
        return known[1]
