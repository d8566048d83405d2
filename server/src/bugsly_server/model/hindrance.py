"""That the safety net of a project cannot do its work: an issue of a kind of its own."""

from __future__ import annotations

from dataclasses import dataclass

from bugsly_server.clock import Micros
from bugsly_server.model.issue import IssueState

HINDRANCE_TITLE = "The safety net is held back"


@dataclass(frozen=True, slots=True, kw_only=True)
class HindranceIssue:
    """What is stored of it; a project has one, which opens again and again."""

    id: int
    project_id: int
    title: str
    state: IssueState
    opened_at: Micros
    changed_at: Micros
    seen_at: Micros
    environment: str
    """Where workers were hindered last."""

    def is_snoozed(self, _now: Micros) -> bool:
        """Return that its alerts are never snoozed: there are only two."""
        return False
