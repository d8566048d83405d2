"""Decides when detection runs for a project, and since when its workers have reported."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bugsly_server.clock import SECOND, Micros, has_passed
from bugsly_server.model.worker import SILENT_AFTER, Worker

DETECTION_INTERVAL_AFTER_JUDGEMENT: Micros = 1 * SECOND
DETECTION_INTERVAL: Micros = 15 * SECOND
"""Time alone changes findings too, and of a large fleet some worker is judged all the time."""


@dataclass(slots=True)
class DetectionState:
    """When detection last ran for a project, and what has happened since."""

    watched_since: Micros
    """Since when its workers have reported without a gap."""
    detected_at: Micros = 0
    has_reports: bool = False
    has_judgements: bool = False

    def is_due(self, now: Micros) -> bool:
        """Return whether detection is to run again."""
        pause = DETECTION_INTERVAL_AFTER_JUDGEMENT if self.has_judgements else DETECTION_INTERVAL
        return self.has_reports and has_passed(pause, self.detected_at, now)


class DetectionSchedule:
    """The detection states of all projects that have reported since the start."""

    def __init__(self) -> None:
        self._states: dict[int, DetectionState] = {}

    def note_reports(self, project_id: int, now: Micros, *, is_any_judged: bool) -> None:
        """Note that workers of a project reported, and whether any of them was judged."""
        state = self._states.setdefault(project_id, DetectionState(watched_since=now))
        state.has_reports = True
        state.has_judgements = state.has_judgements or is_any_judged

    def due(self, now: Micros) -> list[int]:
        """Return the ids of the projects that detection is to run for."""
        return [project_id for project_id, state in self._states.items() if state.is_due(now)]

    def mark_detected(self, project_id: int, living: Iterable[Worker], now: Micros) -> Micros:
        """Note that detection runs now; return since when the workers have reported without a gap.

        A gap is longer than it takes for all of *living* to count as silent.
        """
        state = self._states[project_id]
        gap = max([SILENT_AFTER, *(one.silent_after for one in living)])
        if has_passed(gap, state.detected_at, now):
            state.watched_since = now
        state.detected_at = now
        state.has_reports = state.has_judgements = False
        return state.watched_since
