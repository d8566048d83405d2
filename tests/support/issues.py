"""Builders of findings, issues and their changes, each whole with no argument given."""

from typing import Any

from tests.support.clock import START

from bugsly_server.clock import MINUTE
from bugsly_server.model.issue import (
    Change,
    ChangeKind,
    Finding,
    Forecast,
    Issue,
    Scope,
    State,
    Suspect,
)

MB = 1_000_000
HOURS = 3600.0


def suspect(**changes: Any) -> Suspect:
    fields: dict[str, Any] = {
        "worker_id": 17,
        "host": "web-1",
        "pid": 4242,
        "age": 6 * HOURS,
        "anonymous": 812 * MB,
        "slope": 21_000.0,
        "low": 18_000.0,
        "high": 24_000.0,
        "axis": "request",
        "total": 310 * MB,
        "requests": 14_200,
    }
    return Suspect(**(fields | changes))


def forecast(**changes: Any) -> Forecast:
    fields: dict[str, Any] = {
        "expected": 3 * HOURS,
        "soonest": 2.4 * HOURS,
        "latest": 3.8 * HOURS,
        "limit": 2_000 * MB,
    }
    return Forecast(**(fields | changes))


def finding(**changes: Any) -> Finding:
    fields: dict[str, Any] = {
        "fingerprint": "1/growing/production",
        "title": "One worker on web-1 grows apart from its peers",
        "scope": Scope.ONE,
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
        "state": State.OPEN,
        "opened_at": START - 40 * MINUTE,
        "changed_at": START - 40 * MINUTE,
        "seen_at": START,
        "resolved_at": None,
        "snoozed_until": None,
        "finding": finding(),
    }
    return Issue(**(fields | changes))


def change(kind: ChangeKind = ChangeKind.OPENED, **changes: Any) -> Change:
    grows = kind not in {ChangeKind.QUIETED, ChangeKind.FIXED, ChangeKind.RESOLVED}
    fields: dict[str, Any] = {
        "kind": kind,
        "at": START,
        "because": "web-1 pid 4242 gained +21 kB per request",
        "finding": finding() if grows else None,
    }
    return Change(**(fields | changes))
