"""Workers and issues as plain JSON, for `bugsly status --json`, the API and assistants."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from bugsly_server.clock import SECOND, Micros
from bugsly_server.model.error_explanation import ErrorExplanation
from bugsly_server.model.error_issue import ErrorIssue
from bugsly_server.model.fix_proof import FixProof
from bugsly_server.model.hindrance import HindranceIssue
from bugsly_server.model.issue import Finding, Issue, IssueKind, IssueState
from bugsly_server.model.json_facts import (
    explanation_facts,
    finding_facts,
    in_flight_facts,
    max_requests_facts,
    post_mortem_facts,
    proof_facts,
    recycling_facts,
)
from bugsly_server.model.max_requests import MaxRequestsProposal
from bugsly_server.model.outage import OutageIssue
from bugsly_server.model.post_mortem import PostMortem
from bugsly_server.model.worker import Worker

PostMortems = Iterable[PostMortem]


def worker_facts(worker: Worker, now: Micros) -> dict[str, Any]:
    """Return the JSON of a worker. Sizes are bytes, times seconds."""
    growth = worker.growth
    return {
        "id": worker.id,
        "host": worker.host,
        "pid": worker.pid,
        "server": worker.server,
        "release": worker.release,
        "environment": worker.environment,
        "alive": worker.is_alive(now),
        "age": round(worker.age(now) / SECOND, 1),
        "memory": worker.anonymous,
        "shared": worker.shared,
        "limit": worker.limit,
        "requests": worker.requests,
        "requests_per_second": round(worker.rate, 2),
        "in_flight": in_flight_facts(worker),
        "verdict": worker.judgement.verdict,
        "because": worker.judgement.because,
        "growth": None
        if growth is None
        else {
            "per": growth.axis,
            "bytes": round(growth.slope, 1),
            "low": round(growth.low, 1),
            "high": round(growth.high, 1),
        },
        "net": None if worker.net is None else msgspec.to_builtins(worker.net),
        "exit_reason": worker.exit_reason,
    }


def leak_issue_facts(
    issue: Issue,
    now: Micros,
    proof: FixProof | None,
    limits: MaxRequestsProposal | None,
    post_mortems: PostMortems,
) -> dict[str, Any]:
    """Return the JSON of a leak, with its remedies and the workers killed since it opened."""
    finding = issue.finding
    return {
        "id": issue.id,
        "kind": IssueKind.LEAK,
        "title": issue.title,
        "state": issue.state,
        "count": 1,
        "explanation": None if finding.explanation is None else finding.explanation.what,
        **_finding_facts(finding),
        "proof": None if proof is None else proof_facts(proof),
        "max_requests": None if limits is None else max_requests_facts(limits),
        "killed": [post_mortem_facts(one) for one in post_mortems],
        "opened_at": issue.opened_at / SECOND,
        "seen_at": issue.seen_at / SECOND,
        "snoozed": issue.is_snoozed(now),
    }


def hindrance_facts(issue: HindranceIssue, reason: str) -> dict[str, Any]:
    """Return the JSON of a safety net that is held back."""
    return {
        "id": issue.id,
        "kind": IssueKind.NET,
        "title": issue.title,
        "state": issue.state,
        "verdict": "held back" if issue.state is IssueState.OPEN else "at work",
        "because": reason,
        "environment": issue.environment,
        "opened_at": issue.opened_at / SECOND,
        "seen_at": issue.seen_at / SECOND,
    }


def outage_facts(issue: OutageIssue, reason: str) -> dict[str, Any]:
    """Return the JSON of what stopped, or had."""
    return {
        "id": issue.id,
        "kind": IssueKind.OUTAGE,
        "title": issue.title,
        "state": issue.state,
        "verdict": "stopped" if issue.state is IssueState.OPEN else "over",
        "because": reason,
        "opened_at": issue.opened_at / SECOND,
        "seen_at": issue.seen_at / SECOND,
    }


def error_facts(error: ErrorIssue, explanation: ErrorExplanation | None) -> dict[str, Any]:
    """Return the JSON of an error, with the explanation of its last event."""
    return {
        "id": error.id,
        "kind": IssueKind.ERROR,
        "title": error.title,
        "state": error.state,
        "count": error.count,
        "explanation": None if explanation is None else explanation_facts(explanation),
        "users": error.users,
        "place": error.place,
        "endpoint": error.endpoint,
        "level": error.level,
        "release": error.release,
        "environment": error.environment,
        "opened_at": error.opened_at / SECOND,
        "seen_at": error.seen_at / SECOND,
    }


def _finding_facts(finding: Finding) -> dict[str, Any]:
    forecast = finding.forecast
    return {
        **finding_facts(finding),
        "growth": {"per": finding.axis, "bytes": round(finding.slope, 1)},
        "peers": {"count": finding.peers, "bytes": round(finding.peer_slope, 1)},
        "workers": [
            {"id": one.worker_id, "host": one.host, "pid": one.pid, "memory": one.anonymous}
            for one in finding.suspects
        ],
        "seconds_to_limit": None if forecast is None else round(forecast.expected),
        "recycled": None if finding.recycled is None else recycling_facts(finding.recycled),
        "release": finding.release,
    }
