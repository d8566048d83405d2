"""Limits how many alerts errors or leaks cause: a deploy can break a thousand things at once."""

from __future__ import annotations

from collections import deque

from bugsly_server.clock import HOUR, Micros, has_passed

MAX_ALERTS_PER_HOUR = 30


class AlertRateLimit:
    """Counts the alerts of each project over the last hour."""

    def __init__(self) -> None:
        self._alerted_at: dict[int, deque[Micros]] = {}

    def may_alert(self, project_id: int, now: Micros) -> bool:
        """Return whether one more alert may go out, which then counts."""
        past = self._alerted_at.setdefault(project_id, deque(maxlen=MAX_ALERTS_PER_HOUR))
        if len(past) == MAX_ALERTS_PER_HOUR and not has_passed(HOUR, past[0], now):
            return False
        past.append(now)
        return True
