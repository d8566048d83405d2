"""Builders of findings, issues and their changes, each whole with no argument given."""

from typing import Any

from tests.support.clock import START

from bugsly_server.clock import MINUTE
from bugsly_server.model.issue import (
    Finding,
    FindingScope,
    Issue,
    IssueChange,
    IssueChangeKind,
    IssueState,
    MemoryForecast,
    SuspectWorker,
)
from bugsly_server.model.outage import OutageIssue

MB = 1_000_000
SECONDS_PER_HOUR = 3600.0


def suspect(**changes: Any) -> SuspectWorker:
    fields: dict[str, Any] = {
        "worker_id": 17,
        "host": "web-1",
        "pid": 4242,
        "age": 6 * SECONDS_PER_HOUR,
        "anonymous": 812 * MB,
        "slope": 21_000.0,
        "low": 18_000.0,
        "high": 24_000.0,
        "axis": "request",
        "total": 310 * MB,
        "requests": 14_200,
    }
    return SuspectWorker(**(fields | changes))


def forecast(**changes: Any) -> MemoryForecast:
    fields: dict[str, Any] = {
        "expected": 3 * SECONDS_PER_HOUR,
        "soonest": 2.4 * SECONDS_PER_HOUR,
        "latest": 3.8 * SECONDS_PER_HOUR,
        "limit": 2_000 * MB,
    }
    return MemoryForecast(**(fields | changes))


def finding(**changes: Any) -> Finding:
    fields: dict[str, Any] = {
        "fingerprint": "1/growing/production",
        "title": "One worker on web-1 grows apart from its peers",
        "scope": FindingScope.ONE,
        "because": "web-1 pid 4242 gained +21 kB per request",
        "suspects": (suspect(),),
        "slope": 21_000.0,
        "axis": "request",
        "peers": 7,
        "peer_slope": 130.0,
        "forecast": forecast(),
        "release": "1.4.2",
    }
    return Finding(**(fields | changes))


def issue(**changes: Any) -> Issue:
    fields: dict[str, Any] = {
        "id": 3,
        "project_id": 1,
        "fingerprint": "1/growing/production",
        "title": "One worker on web-1 grows apart from its peers",
        "state": IssueState.OPEN,
        "opened_at": START - 40 * MINUTE,
        "changed_at": START - 40 * MINUTE,
        "seen_at": START,
        "resolved_at": None,
        "snoozed_until": None,
        "finding": finding(),
    }
    return Issue(**(fields | changes))


def change(kind: IssueChangeKind = IssueChangeKind.OPENED, **changes: Any) -> IssueChange:
    grows = kind not in {IssueChangeKind.QUIETED, IssueChangeKind.FIXED, IssueChangeKind.RESOLVED}
    fields: dict[str, Any] = {
        "kind": kind,
        "at": START,
        "because": "web-1 pid 4242 gained +21 kB per request",
        "finding": finding() if grows else None,
    }
    return IssueChange(**(fields | changes))


def outage_issue(**changes: Any) -> OutageIssue:
    fields: dict[str, Any] = {
        "id": 1,
        "project_id": 1,
        "fingerprint": "1/outage/app",
        "title": "The app does not report",
        "state": IssueState.OPEN,
        "opened_at": START,
        "changed_at": START,
        "seen_at": START,
    }
    return OutageIssue(**(fields | changes))
