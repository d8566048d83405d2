"""Bounds how many alerts errors cause: a deploy can break a thousand things at once."""

from __future__ import annotations

from collections import deque

from bugsly_server.clock import HOUR, Micros

AN_HOUR = 30


class Alarms:
    """Counts the alerts of each project over the last hour."""

    def __init__(self) -> None:
        self._sounded: dict[int, deque[Micros]] = {}

    def may_sound(self, project_id: int, now: Micros) -> bool:
        """Return whether one more alert may go out, which then counts."""
        past = self._sounded.setdefault(project_id, deque(maxlen=AN_HOUR))
        if len(past) == AN_HOUR and now - past[0] < HOUR:
            return False
        past.append(now)
        return True
