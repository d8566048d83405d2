"""Finds the remedies of a leak: the proof that a release fixed it, and limits until then."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection

from bugsly_server.clock import Micros
from bugsly_server.detect.fix_proof import prove_fix
from bugsly_server.detect.max_requests import max_bytes_per_request, propose_max_requests
from bugsly_server.model.fix_proof import FixProof
from bugsly_server.model.issue import Issue, IssueState
from bugsly_server.model.max_requests import MaxRequestsProposal
from bugsly_server.store import release_comparison
from bugsly_server.store.ports import Telemetry


class LeakRemedies(NamedTuple):
    """Each is None if it is not known or not needed."""

    proof: FixProof | None
    limits: MaxRequestsProposal | None


def leak_remedies(
    connection: Connection, telemetry: Telemetry, issue: Issue, now: Micros
) -> LeakRemedies:
    """Return the remedies of *issue*; `max_requests` only while it is open and alarming."""
    histories = release_comparison.compare_releases(connection, telemetry, issue, now)
    proof = issue.proof or (prove_fix(issue, *histories) if histories is not None else None)
    if issue.state is not IssueState.OPEN or not issue.finding.is_alarming:
        return LeakRemedies(proof, None)
    newest_workers = release_comparison.newest_release_workers(connection, issue, now)
    return LeakRemedies(
        proof, propose_max_requests(newest_workers, max_bytes_per_request(issue.finding), now)
    )
