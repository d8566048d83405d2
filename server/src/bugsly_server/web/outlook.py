"""What is to come of a leak: whether a release mended it, and what holds it down until then."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection

from bugsly_server.clock import Micros
from bugsly_server.detect.max_requests import advise, fastest
from bugsly_server.detect.proof import prove
from bugsly_server.model.issue import Issue, State
from bugsly_server.model.max_requests import MaxRequests
from bugsly_server.model.proof import Proof
from bugsly_server.store import comparison
from bugsly_server.store.ports import Telemetry


class Outlook(NamedTuple):
    """Each None where it is not known."""

    proof: Proof | None
    limits: MaxRequests | None


def outlook(connection: Connection, telemetry: Telemetry, issue: Issue, now: Micros) -> Outlook:
    """Return the outlook of *issue*; only what is open needs to be held down."""
    lives = comparison.of_issue(connection, telemetry, issue, now)
    proof = issue.proof or (prove(issue, *lives) if lives is not None else None)
    if issue.state is not State.OPEN or not issue.finding.is_alarming:
        return Outlook(proof, None)
    newest = comparison.newest_lives(connection, issue, now)
    return Outlook(proof, advise(newest, fastest(issue.finding), now))
