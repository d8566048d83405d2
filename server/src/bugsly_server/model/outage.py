"""That something stopped which should go on: an app, a channel, the digest, a backup."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from bugsly_server.clock import Micros
from bugsly_server.model.issue import IssueState

FINGERPRINT_PREFIX = "1/outage/"
MIN_FAILED_ATTEMPTS = 3
"""Of an alert in a row, before a channel counts as failing: fewer may be a restart at its end."""


class OutageKind(StrEnum):
    """What stopped."""

    APP = "app"
    CHANNEL = "channel"
    DIGEST = "digest"
    BACKUP = "backup"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """Something that has stopped now."""

    kind: OutageKind
    title: str
    because: str
    """The fact and what to do, without a full stop."""
    channel_id: int | None = None
    """The channel that fails: its alert goes through the others."""

    @property
    def fingerprint(self) -> str:
        """Return what makes it the same issue: what stopped, of channels which one."""
        channel = "" if self.channel_id is None else f"/{self.channel_id}"
        return f"{FINGERPRINT_PREFIX}{self.kind}{channel}"


class ChannelFailure(NamedTuple):
    """A channel that has accepted nothing since it failed."""

    channel_id: int
    name: str
    attempts: int
    """Of the alert that failed last."""
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutageIssue:
    """What is stored of an outage; it opens again and again."""

    id: int
    project_id: int
    fingerprint: str
    title: str
    state: IssueState
    opened_at: Micros
    changed_at: Micros
    seen_at: Micros

    @property
    def kind(self) -> OutageKind:
        """Return what stopped."""
        return OutageKind(self.fingerprint.removeprefix(FINGERPRINT_PREFIX).partition("/")[0])

    def is_snoozed(self, _now: Micros) -> bool:
        """Return that its alerts are never snoozed: there are only two."""
        return False
