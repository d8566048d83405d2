"""An error: what its events have in common, from the first of them until it is resolved."""

from __future__ import annotations

from dataclasses import dataclass

from bugsly_server.clock import Micros
from bugsly_server.model.hindrance import HindranceIssue
from bugsly_server.model.issue import Issue, IssueState
from bugsly_server.model.outage import OutageIssue


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorIssue:
    """What is stored of an error."""

    id: int
    project_id: int
    title: str
    state: IssueState
    opened_at: Micros
    changed_at: Micros
    seen_at: Micros
    resolved_at: Micros | None
    snoozed_until: Micros | None
    """Until when it is ignored; None for as long as nothing else ends that."""
    endpoint: str
    release: str
    """Of the latest event, as the environment."""
    environment: str
    place: str
    """The innermost call of the application, as `checkout in shop/views.py`."""
    level: str
    count: int
    users: int
    """Distinct users, up to a thousand."""
    first_release: str
    resolved_after: str | None
    """The newest release when somebody said that the next one fixes it."""
    ignored_until: int | None
    """The count at which it is ignored no longer."""
    escalated_at: Micros
    merged_into: int | None

    @property
    def is_alarming(self) -> bool:
        """Return whether it is worth an alert: what an app logs as a warning is not."""
        return self.level in {"error", "fatal"}


@dataclass(frozen=True, slots=True, kw_only=True)
class EventBurst:
    """What a batch of events says of one error."""

    at: Micros
    """When the newest of them happened."""
    count: int
    """Of all its events so far, these included."""
    releases: frozenset[str]
    hour: int
    """Of this hour."""
    usual: float
    """Its events an hour before this one, over up to a week; 0 where it is younger than a day."""


AnyIssue = Issue | ErrorIssue | HindranceIssue | OutageIssue
"""A leak, an error, a hindered safety net, or an outage."""
