"""Says what changed about an issue so that a tired person understands it: words and JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bugsly_server.alert.cause import cause_lines
from bugsly_server.clock import SECOND
from bugsly_server.model import units
from bugsly_server.model.error import AnyIssue
from bugsly_server.model.facts import cause_facts, proof_facts, recycled_facts
from bugsly_server.model.issue import Change, ChangeKind, Finding, Forecast, Issue, Suspect

VERSION = 1
"""Of the JSON. It grows when a field changes its meaning or goes, not when one is added."""
OPENINGS = {
    ChangeKind.OPENED: "",
    ChangeKind.WORSENED: "Getting worse: ",
    ChangeKind.QUIETED: "Quiet now: ",
    ChangeKind.CAME_BACK: "Back again: ",
    ChangeKind.FIXED: "Fixed: ",
    ChangeKind.RESOLVED: "Resolved: ",
    ChangeKind.NAMED: "Cause found: ",
    ChangeKind.ESCALATED: "Escalating: ",
    ChangeKind.IGNORED: "Ignored: ",
    ChangeKind.MERGED: "Merged: ",
    ChangeKind.SPLIT: "Split off: ",
}
CALM = (ChangeKind.QUIETED, ChangeKind.FIXED, ChangeKind.RESOLVED)
NEWS = (ChangeKind.WORSENED, ChangeKind.CAME_BACK)
"""Changes whose because may say more than the finding."""
MOST_OTHERS = 3
"""Suspects named after the first one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """What is sent: a title and lines for people, *facts* for programs, *url* for both."""

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
        frame = {"version": VERSION, "title": self.title, "text": self.text, "url": self.url}
        return frame | dict(self.facts)


def compose(project: str, issue: Issue, change: Change, url: str) -> Alert:
    """Return the alert of *change*, which happened to *issue* of *project*, shown at *url*."""
    finding = change.finding or issue.finding
    lines = _calm(change) if change.kind in CALM else _alarm(change, finding)
    return Alert(
        title=one_line(f"[{project}] {OPENINGS[change.kind]}{finding.title}"),
        lines=tuple(one_line(line) for line in lines),
        url=url,
        facts={
            **change_facts(project, issue, change, title=finding.title),
            "finding": _finding_facts(finding),
            "proof": None if issue.proof is None else proof_facts(issue.proof),
        },
    )


def change_facts(project: str, issue: AnyIssue, change: Change, **named: str) -> dict[str, Any]:
    """Return the JSON of what happened to which issue, which is *named* so."""
    return {
        "change": change.kind,
        "at": change.at / SECOND,
        "project": project,
        "issue": {"id": issue.id, **named, "opened_at": issue.opened_at / SECOND},
    }


def compose_test(url: str) -> Alert:
    """Return what a person is sent who asks whether a channel works."""
    return Alert(
        title="Test: alerts of Bugsly arrive here",
        lines=("Somebody pressed the test button. No worker is in trouble.",),
        url=url,
        facts={"change": "test"},
    )


def _calm(change: Change) -> tuple[str, ...]:
    after = {
        ChangeKind.QUIETED: "You will be told if one grows again.",
        ChangeKind.FIXED: "You will be told if it returns.",
        ChangeKind.RESOLVED: "You will be told if a worker that starts from now on grows again.",
    }[change.kind]
    return (sentence(change.because), after, f"As of {_moment(change)}.")


def _alarm(change: Change, finding: Finding) -> tuple[str, ...]:
    is_news = change.kind in NEWS and change.because != finding.because
    lines = [sentence(change.because)] if is_news else []
    lines.append(_who(finding))
    if finding.diagnosis is not None and finding.explanation is not None:
        lines += cause_lines(finding.diagnosis, finding.explanation)
    lines += _growth(finding)
    if not finding.is_spared and (finding.forecast is not None or not finding.diagnosis):
        lines.append(_limit(finding.forecast))
    if finding.recycled is not None and finding.recycled.because not in change.because:
        lines.append(f"The safety net is at work: {finding.recycled.because}.")
    if len(finding.suspects) > 1:
        lines.append(_others(finding.suspects[1:]))
    release = f", in release {finding.release}" if finding.release else ""
    lines.append(f"Seen at {_moment(change)}{release}.")
    return tuple(lines)


def _who(finding: Finding) -> str:
    leaks = finding.verdict == "leak"
    if not finding.suspects:
        does = "leaks" if leaks else f"is {finding.verdict}"
        return f"Every worker {does}; restarts hide it, for each starts small again."
    first = _name(finding.suspects[0])
    if len(finding.suspects) == 1:
        return f"{first} {'leaks' if leaks else f'is {finding.verdict}'}."
    many = f"{len(finding.suspects)} workers"
    return f"{many} {'leak' if leaks else f'are {finding.verdict}'}. {first} grows fastest."


def _growth(finding: Finding) -> list[str]:
    if not finding.suspects:
        each = _per(finding.slope, finding.axis)
        return [f"The last {finding.peers} lives of workers gained {each} each."]
    first = finding.suspects[0]
    since = f"{units.duration(first.age)} and {units.count(first.requests)} requests"
    lines = [f"It uses {units.size(first.anonymous)} now, {since} after its start."]
    if not first.total:
        return [*lines, "Its memory does not show it yet."]
    bounds = f"between {units.size(first.low)} and {units.size(first.high)}"
    lines.append(f"It gains {_per(first.slope, first.axis)} ({bounds}).")
    if finding.peers:
        slope = _per(finding.peer_slope, finding.axis)
        one = f"Its 1 peer gains {slope}."
        many = f"Its {finding.peers} peers gain {slope} (median)."
        lines.append(one if finding.peers == 1 else many)
    return lines


def _limit(forecast: Forecast | None) -> str:
    if forecast is None:
        return "When memory runs out is not known: there is no limit, or no traffic just now."
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


def _others(others: tuple[Suspect, ...]) -> str:
    named = [f"{_name(one)} ({_per(one.slope, one.axis)})" for one in others[:MOST_OTHERS]]
    rest = len(others) - len(named)
    return f"Growing too: {', '.join(named)}{f' and {rest} more' if rest else ''}."


def _name(suspect: Suspect) -> str:
    return f"{suspect.host} pid {suspect.pid}"


def _per(slope: float, axis: str) -> str:
    return f"{units.size(slope)} per {axis}"


def _moment(change: Change) -> str:
    return f"{datetime.fromtimestamp(change.at / SECOND, UTC):%Y-%m-%d %H:%M} UTC"


def one_line(text: str) -> str:
    """Return *text* without line ends and the like: names in it come from the wire."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def sentence(because: str) -> str:
    """Return *because* with a capital letter and a full stop."""
    return f"{because[:1].upper()}{because[1:]}."


def _finding_facts(finding: Finding) -> dict[str, Any]:
    forecast = finding.forecast
    return {
        "verdict": finding.verdict,
        "because": finding.because,
        "diagnosis": None
        if finding.diagnosis is None or finding.explanation is None
        else cause_facts(finding.diagnosis, finding.explanation),
        "scope": finding.scope,
        "release": finding.release,
        "growth": {"per": finding.axis, "bytes": round(finding.slope, 1)},
        "peers": {"count": finding.peers, "bytes": round(finding.peer_slope, 1)},
        "forecast": None if forecast is None else _forecast_facts(forecast),
        "recycled": None if finding.recycled is None else recycled_facts(finding.recycled),
        "workers": [_worker_facts(one) for one in finding.suspects],
    }


def _forecast_facts(forecast: Forecast) -> dict[str, Any]:
    return {
        "limit": forecast.limit,
        "seconds": round(forecast.expected),
        "soonest": round(forecast.soonest),
        "latest": None if forecast.latest is None else round(forecast.latest),
    }


def _worker_facts(suspect: Suspect) -> dict[str, Any]:
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
