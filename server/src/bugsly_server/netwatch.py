"""Watches whether the safety nets of projects can do their work, and lets people be told."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bugsly_server.clock import Micros
from bugsly_server.detect.held_back import Held, go_on, next_step
from bugsly_server.model.held_back import HeldBack
from bugsly_server.model.issue import Change
from bugsly_server.model.recycled import hindered
from bugsly_server.model.worker import Worker
from bugsly_server.store.meta import channels, held_back
from bugsly_server.store.meta.database import Database


class NetWatch:
    """Looks at the workers of one project at a time; *announce* is told what changes."""

    def __init__(self, database: Database, announce: Callable[[HeldBack, Change], None]) -> None:
        self._database = database
        self._announce = announce
        self._held: dict[int, Held | None] = {}

    def look(self, project_id: int, fleet: Sequence[Worker], now: Micros) -> bool:
        """Record what the workers of a project say of their nets; return whether that is news."""
        alive = [one for one in fleet if one.is_alive(now)]
        nets, before = hindered(alive), self._held.get(project_id)
        if not nets and before is None and project_id in self._held:
            return False
        with self._database.reading() as connection:
            known = held_back.of_project(connection, project_id)
        held = self._held[project_id] = go_on(before, nets, known, now)
        step = next_step(known, nets, held, now)
        if step is not None:
            self._record(project_id, known, step, _where(alive))
        elif nets and known is not None:
            with self._database.writing() as connection:
                held_back.see(connection, known, now)
        return step is not None

    def _record(self, project_id: int, known: HeldBack | None, step: Change, where: str) -> None:
        with self._database.writing() as connection:
            change_id = held_back.record(connection, project_id, known, step, where)
            channels.enqueue(connection, project_id, change_id, step.at)
            told = held_back.of_project(connection, project_id)
        assert told is not None, "it was stored three lines above"
        self._announce(told, step)


def _where(fleet: Sequence[Worker]) -> str:
    """Return the environment of the first worker that is held back, or of any."""
    stuck = [one for one in fleet if hindered([one])]
    return next((one.environment for one in (*stuck, *fleet)), "")
