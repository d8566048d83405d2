"""Composes the alert of a change to a leak: text for people and JSON for programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bugsly_server.alert.cause_lines import cause_lines
from bugsly_server.clock import SECOND
from bugsly_server.model import units
from bugsly_server.model.error_issue import AnyIssue
from bugsly_server.model.issue import (
    Finding,
    Issue,
    IssueChange,
    IssueChangeKind,
    MemoryForecast,
    SuspectWorker,
)
from bugsly_server.model.json_facts import finding_facts, proof_facts, recycling_facts

PAYLOAD_VERSION = 1
"""Version of the JSON. It grows when a field is removed or changes its meaning."""
TITLE_PREFIXES = {
    IssueChangeKind.OPENED: "",
    IssueChangeKind.WORSENED: "Getting worse: ",
    IssueChangeKind.QUIETED: "Quiet now: ",
    IssueChangeKind.CAME_BACK: "Back again: ",
    IssueChangeKind.FIXED: "Fixed: ",
    IssueChangeKind.RESOLVED: "Resolved: ",
    IssueChangeKind.NAMED: "Cause found: ",
    IssueChangeKind.ESCALATED: "Escalating: ",
    IssueChangeKind.IGNORED: "Ignored: ",
    IssueChangeKind.MERGED: "Merged: ",
    IssueChangeKind.SPLIT: "Split off: ",
}
IMPROVEMENTS = (IssueChangeKind.QUIETED, IssueChangeKind.FIXED, IssueChangeKind.RESOLVED)
CHANGES_WITH_REASON = (IssueChangeKind.WORSENED, IssueChangeKind.CAME_BACK)
"""Changes whose reason may say more than the finding does."""
FOLLOW_UPS = {
    IssueChangeKind.QUIETED: "Another alert follows if one grows again.",
    IssueChangeKind.FIXED: "Another alert follows if the growth returns.",
    IssueChangeKind.RESOLVED: "Another alert follows if a worker that starts from now on grows.",
}
MAX_OTHER_SUSPECTS = 3
"""Suspects named after the first one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """The content of an alert: *title* and *lines* for people, *facts* for programs."""

    title: str
    lines: tuple[str, ...]
    url: str
    facts: Mapping[str, Any]

    @property
    def text(self) -> str:
        """Return the body of a mail or a chat message."""
        return "\n".join((*self.lines, "", self.url))

    @property
    def payload(self) -> dict[str, Any]:
        """Return the JSON that docs/alerts.md describes."""
        envelope = {
            "version": PAYLOAD_VERSION,
            "title": self.title,
            "text": self.text,
            "url": self.url,
        }
        return envelope | dict(self.facts)


def compose_leak_alert(project: str, issue: Issue, change: IssueChange, url: str) -> Alert:
    """Return the alert of *change* to *issue* of *project*, shown at *url*."""
    finding = change.finding or issue.finding
    lines = (
        _improvement_lines(change) if change.kind in IMPROVEMENTS else _alarm_lines(change, finding)
    )
    return Alert(
        title=one_line(f"[{project}] {TITLE_PREFIXES[change.kind]}{finding.title}"),
        lines=tuple(one_line(line) for line in lines),
        url=url,
        facts={
            **change_facts(project, issue, change, title=finding.title),
            "finding": _finding_facts(finding),
            "proof": None if issue.proof is None else proof_facts(issue.proof),
        },
    )


def change_facts(
    project: str, issue: AnyIssue, change: IssueChange, **issue_fields: str
) -> dict[str, Any]:
    """Return the JSON of *change* to *issue*; *issue_fields* are added to the issue's own."""
    return {
        "change": change.kind,
        "at": change.at / SECOND,
        "project": project,
        "issue": {"id": issue.id, **issue_fields, "opened_at": issue.opened_at / SECOND},
    }


def compose_test_alert(url: str) -> Alert:
    """Return the alert that tests a channel."""
    return Alert(
        title="Test: Bugsly alerts arrive here",
        lines=("Somebody pressed the test button. No worker is in trouble.",),
        url=url,
        facts={"change": "test"},
    )


def _improvement_lines(change: IssueChange) -> tuple[str, ...]:
    return (sentence(change.because), FOLLOW_UPS[change.kind], f"As of {moment_of(change)}.")


def _alarm_lines(change: IssueChange, finding: Finding) -> tuple[str, ...]:
    adds_reason = change.kind in CHANGES_WITH_REASON and change.because != finding.because
    lines = [sentence(change.because)] if adds_reason else []
    lines.append(_suspects_line(finding))
    if finding.diagnosis is not None and finding.explanation is not None:
        lines += cause_lines(finding.diagnosis, finding.explanation)
    lines += _growth_lines(finding)
    if not finding.is_spared and (finding.forecast is not None or not finding.diagnosis):
        lines.append(_forecast_line(finding.forecast))
    if finding.recycled is not None and finding.recycled.because not in change.because:
        lines.append(f"The safety net is at work: {finding.recycled.because}.")
    if len(finding.suspects) > 1:
        lines.append(_other_suspects_line(finding.suspects[1:]))
    release = f", in release {finding.release}" if finding.release else ""
    lines.append(f"Seen at {moment_of(change)}{release}.")
    return tuple(lines)


def _suspects_line(finding: Finding) -> str:
    is_leak = finding.verdict == "leak"
    if not finding.suspects:
        verb = "leaks" if is_leak else f"is {finding.verdict}"
        return f"Every worker {verb}; restarts hide it because each new one starts small."
    first = _worker_name(finding.suspects[0])
    if len(finding.suspects) == 1:
        return f"{first} {'leaks' if is_leak else f'is {finding.verdict}'}."
    workers = f"{len(finding.suspects)} workers"
    return f"{workers} {'leak' if is_leak else f'are {finding.verdict}'}. {first} grows fastest."


def _growth_lines(finding: Finding) -> list[str]:
    if not finding.suspects:
        gain = _growth_rate(finding.slope, finding.axis)
        return [f"The last {finding.peers} workers gained {gain} each."]
    first = finding.suspects[0]
    age_text = f"{units.duration(first.age)} and {units.count(first.requests)} requests"
    lines = [f"It uses {units.size(first.anonymous)} now, {age_text} after its start."]
    if not first.total:
        return [*lines, "Its memory does not show it yet."]
    bounds = f"between {units.size(first.low)} and {units.size(first.high)}"
    lines.append(f"It gains {_growth_rate(first.slope, first.axis)} ({bounds}).")
    if finding.peers:
        slope = _growth_rate(finding.peer_slope, finding.axis)
        single_peer = f"Its 1 peer gains {slope}."
        several_peers = f"Its {finding.peers} peers gain {slope} (median)."
        lines.append(single_peer if finding.peers == 1 else several_peers)
    return lines


def _forecast_line(forecast: MemoryForecast | None) -> str:
    if forecast is None:
        return (
            "It is not known when memory runs out: there is no limit, or no traffic at the moment."
        )
    soonest = units.duration(forecast.soonest)
    latest = (
        f"between {soonest} and {units.duration(forecast.latest)}"
        if forecast.latest is not None
        else f"{soonest} at the soonest"
    )
    return (
        f"If nothing changes, memory runs out in about {units.duration(forecast.expected)} "
        f"({latest}): the limit is {units.size(forecast.limit)}."
    )


def _other_suspects_line(others: tuple[SuspectWorker, ...]) -> str:
    named = [
        f"{_worker_name(one)} ({_growth_rate(one.slope, one.axis)})"
        for one in others[:MAX_OTHER_SUSPECTS]
    ]
    rest = len(others) - len(named)
    return f"Also growing: {', '.join(named)}{f' and {rest} more' if rest else ''}."


def _worker_name(suspect: SuspectWorker) -> str:
    return f"{suspect.host} pid {suspect.pid}"


def _growth_rate(slope: float, axis: str) -> str:
    return f"{units.size(slope)} per {axis}"


def moment_of(change: IssueChange) -> str:
    """Return when *change* was: `2026-11-25 13:38 UTC`."""
    return f"{datetime.fromtimestamp(change.at / SECOND, UTC):%Y-%m-%d %H:%M} UTC"


def one_line(text: str) -> str:
    """Return *text* on one line and printable: names in it come from the wire."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def sentence(reason: str) -> str:
    """Return *reason* with a capital letter and a full stop."""
    return f"{reason[:1].upper()}{reason[1:]}."


def _finding_facts(finding: Finding) -> dict[str, Any]:
    forecast = finding.forecast
    return {
        **finding_facts(finding),
        "release": finding.release,
        "growth": {"per": finding.axis, "bytes": round(finding.slope, 1)},
        "peers": {"count": finding.peers, "bytes": round(finding.peer_slope, 1)},
        "forecast": None if forecast is None else _forecast_facts(forecast),
        "recycled": None if finding.recycled is None else recycling_facts(finding.recycled),
        "workers": [_worker_facts(one) for one in finding.suspects],
    }


def _forecast_facts(forecast: MemoryForecast) -> dict[str, Any]:
    return {
        "limit": forecast.limit,
        "seconds": round(forecast.expected),
        "soonest": round(forecast.soonest),
        "latest": None if forecast.latest is None else round(forecast.latest),
    }


def _worker_facts(suspect: SuspectWorker) -> dict[str, Any]:
    return {
        "id": suspect.worker_id,
        "host": suspect.host,
        "pid": suspect.pid,
        "age": round(suspect.age, 1),
        "memory": suspect.anonymous,
        "requests": suspect.requests,
        "growth": {
            "per": suspect.axis,
            "bytes": round(suspect.slope, 1),
            "low": round(suspect.low, 1),
            "high": round(suspect.high, 1),
        },
    }
