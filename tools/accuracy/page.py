"""docs/accuracy.md."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from statistics import median

from tools.accuracy.case import ROOT
from tools.accuracy.peers.answer import Opinion
from tools.accuracy.score import Figure, Score, figures

PAGE = ROOT / "docs" / "accuracy.md"
HEAD = """\
# Accuracy

Made by `make accuracy`, which runs [`bugsly doctor`](doctor.md) over the labs (`labs/`) and over a zoo of released library
versions with documented leaks, each with its fixed control, and apps that grow honestly. Every case is driven by its own
plan for 50 s at most, under two Gunicorn workers; nothing in Bugsly knows the names of the cases.

A *rest* is a control that goes on growing, by 0.2 to 1.6 kB per request as the zoo itself measured and describes: the version that
mends one leak still has a smaller one. To tell of it, as no more than 2 kB, is right; both ways of counting are below.
"""
PEERS_HEAD = """\
## Beside it: what peers say

The first two read the resident memory of the workers in the very runs above. *RSS +20 %*: a worker's memory at the end is
20 % above that of the first tenth of the run. *Coroot*: its published rule (longest stretch without a drop by half, ordinary
least squares, tail slope, growth per hour of at least 50 MB), with the run as its window; at the pace of a desk any slope
makes 50 MB per hour. The other two do not judge: they always name a line, so they are asked only whether it is a right one,
over 300 requests to the app in one process.
"""
MARKS = {True: "yes", False: "**no**", None: "–"}


def page(scores: Sequence[Score], opinions: Mapping[str, Mapping[str, Opinion]], code: str) -> str:
    """Return the page on *scores* and on what peers say of the same cases."""
    lines = [HEAD, *_totals(figures(scores)), "", _speed(scores), "", "## Cases", ""]
    lines += [*_cases(scores), "", PEERS_HEAD, *_peers(scores, opinions), ""]
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}"
    lines += [f"<sub>{datetime.now(UTC):%Y-%m-%d}, {machine}, code {code}.</sub>"]
    return "\n".join(lines) + "\n"


def _totals(found: Sequence[Figure]) -> list[str]:
    rows = ["| figure | share | of cases | goal | met |", "|---|---:|---:|---:|---|"]
    for one in found:
        share = "–" if one.share is None else f"{one.share:.3f}"
        goal = "–" if one.goal is None else f"≥ {one.goal:.2f}"
        rows.append(
            f"| {one.name} | {share} | {one.right} of {one.of} | {goal} | {MARKS[one.is_met]} |"
        )
    return rows


def _speed(scores: Sequence[Score]) -> str:
    hits = [one for one in scores if one.alarmed and one.case.is_leak]
    if not hits:
        return "No leak was found."
    requests, seconds = median(o.requests for o in hits), median(o.seconds for o in hits)
    most = max(one.requests for one in hits)
    return (
        f"A leak is named after {requests:,.0f} requests and {seconds:.0f} s in the median,"
        f" after {most:,} requests at most."
    )


def _cases(scores: Sequence[Score]) -> list[str]:
    rows = [
        "| case | what happens | verdict | right | cause | place | top 3 | endpoint | requests | s |",
        "|---|---|---|---|---|---|---|---|---:|---:|",
    ]
    for one in sorted(scores, key=_order):
        case = one.case
        verdict = f"{one.verdict}: {_cell(one.problem)}" if one.problem else one.verdict
        verdict += " (rest)" if one.is_rest else ""
        story = f"{_cell(case.story)} ({case.variant})"
        marks = (one.verdict_right, one.cause, one.place, one.place_top, one.endpoint)
        cells = [case.name, story, verdict, *(MARKS[mark] for mark in marks)]
        rows.append(f"| {' | '.join(cells)} | {one.requests:,} | {one.seconds:.0f} |")
    return rows


def _peers(scores: Sequence[Score], opinions: Mapping[str, Mapping[str, Opinion]]) -> list[str]:
    by_key = {one.case.key: one for one in scores if one.verdict_right is not None}
    names = sorted({name for one in opinions.values() for name in one})
    rows = ["| peer | precision | recall | line right |", "|---|---:|---:|---:|"]
    for name in names:
        said = [
            (by_key[key], one[name])
            for key, one in opinions.items()
            if name in one and key in by_key
        ]
        alarms = [score for score, opinion in said if opinion.alarmed]
        leaks = [opinion.alarmed for score, opinion in said if score.case.is_leak]
        lines = [
            opinion.place
            for score, opinion in said
            if opinion.place is not None and score.case.is_leak
        ]
        judged = any(opinion.alarmed is not None for _, opinion in said)
        precision = _share([one.case.is_leak for one in alarms]) if judged else "–"
        recall = _share([bool(one) for one in leaks]) if judged else "–"
        rows.append(f"| {name} | {precision} | {recall} | {_share(lines)} |")
    return rows


def _share(answers: Sequence[bool]) -> str:
    return (
        f"{sum(answers) / len(answers):.3f} ({sum(answers)} of {len(answers)})" if answers else "–"
    )


def _order(one: Score) -> tuple[bool, str, str]:
    return one.case.requirements is not None, one.case.variant, one.case.name


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
