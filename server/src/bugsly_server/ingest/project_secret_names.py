"""Gives each project the names of additional secrets from its set-up page."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bugsly_server.clock import SECOND, Micros

RELOAD_INTERVAL: Micros = 5 * SECOND


class ProjectSecretNames:
    """The names of each project's secrets; *load* returns them, and they may change."""

    def __init__(self, load: Callable[[], Mapping[int, tuple[str, ...]]]) -> None:
        self._load = load
        self._names: Mapping[int, tuple[str, ...]] = {}
        self._loaded_at: Micros = -RELOAD_INTERVAL

    def of_project(self, project_id: int, now: Micros) -> tuple[str, ...]:
        """Return the names of a project; they follow changes within `RELOAD_INTERVAL`."""
        if not 0 <= now - self._loaded_at < RELOAD_INTERVAL:
            self._names = self._load()
            self._loaded_at = now
        return self._names.get(project_id, ())
