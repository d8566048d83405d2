"""docs/accuracy.md."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from statistics import median

from tools.accuracy.case_catalog import ROOT
from tools.accuracy.peers.peer_opinion import PeerOpinion
from tools.accuracy.score import AccuracyFigure, CaseScore, accuracy_figures

PAGE_PATH = ROOT / "docs" / "accuracy.md"
PAGE_INTRODUCTION = """\
# Accuracy

Made by `make accuracy`, which runs [`bugsly doctor`](doctor.md) over the labs (`labs/`) and over a zoo of released library
versions with documented leaks, each with its fixed control, and apps that grow honestly. Every case is driven by its own
plan for 50 s at most, under two Gunicorn workers; nothing in Bugsly knows the names of the cases.

A *rest* is a control that goes on growing, by 0.2 to 1.6 kB per request as the zoo itself measured and describes: the version that
mends one leak still has a smaller one. To tell of it, as no more than 2 kB, is right; both ways of counting are below.
"""
PEERS_INTRODUCTION = """\
## Beside it: what peers say

The first two read the resident memory of the workers in the very runs above. *RSS +20 %*: a worker's memory at the end is
20 % above that of the first tenth of the run. *Coroot*: its published rule (longest stretch without a drop by half, ordinary
least squares, tail slope, growth per hour of at least 50 MB), with the run as its window; at the pace of a desk any slope
makes 50 MB per hour. The other two do not judge: they always name a line, so they are asked only whether it is a right one,
over 300 requests to the app in one process.
"""
TABLE_MARKS = {True: "yes", False: "**no**", None: "–"}


def render_page(
    scores: Sequence[CaseScore], opinions: Mapping[str, Mapping[str, PeerOpinion]], code: str
) -> str:
    """Return the page on *scores* and on what peers say of the same cases."""
    lines = [
        PAGE_INTRODUCTION,
        *_figure_rows(accuracy_figures(scores)),
        "",
        _detection_speed(scores),
        "",
        "## Cases",
        "",
    ]
    lines += [*_case_rows(scores), "", PEERS_INTRODUCTION, *_peer_rows(scores, opinions), ""]
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}"
    lines += [f"<sub>{datetime.now(UTC):%Y-%m-%d}, {machine}, code {code}.</sub>"]
    return "\n".join(lines) + "\n"


def _figure_rows(totals: Sequence[AccuracyFigure]) -> list[str]:
    rows = ["| figure | share | of cases | goal | met |", "|---|---:|---:|---:|---|"]
    for figure in totals:
        share = "–" if figure.share is None else f"{figure.share:.3f}"
        goal = "–" if figure.goal is None else f"≥ {figure.goal:.2f}"
        rows.append(
            f"| {figure.name} | {share} | {figure.right_cases} of {figure.all_cases} | {goal} | {TABLE_MARKS[figure.is_met]} |"
        )
    return rows


def _detection_speed(scores: Sequence[CaseScore]) -> str:
    hits = [one for one in scores if one.is_alarmed and one.case.is_leak]
    if not hits:
        return "No leak was found."
    requests, seconds = median(o.requests for o in hits), median(o.seconds for o in hits)
    max_requests = max(one.requests for one in hits)
    return (
        f"A leak is named after {requests:,.0f} requests and {seconds:.0f} s in the median,"
        f" after {max_requests:,} requests at most."
    )


def _case_rows(scores: Sequence[CaseScore]) -> list[str]:
    rows = [
        "| case | what happens | verdict | right | cause | place | top 3 | endpoint | requests | s |",
        "|---|---|---|---|---|---|---|---|---:|---:|",
    ]
    for case_score in sorted(scores, key=_sort_key):
        case = case_score.case
        verdict = (
            f"{case_score.verdict}: {_escape_cell(case_score.problem)}"
            if case_score.problem
            else case_score.verdict
        )
        verdict += " (rest)" if case_score.is_residual else ""
        story = f"{_escape_cell(case.story)} ({case.variant})"
        marks = (
            case_score.verdict_right,
            case_score.cause_right,
            case_score.location_right,
            case_score.location_right_in_top,
            case_score.endpoint_right,
        )
        cells = [case.name, story, verdict, *(TABLE_MARKS[mark] for mark in marks)]
        rows.append(f"| {' | '.join(cells)} | {case_score.requests:,} | {case_score.seconds:.0f} |")
    return rows


def _peer_rows(
    scores: Sequence[CaseScore], opinions: Mapping[str, Mapping[str, PeerOpinion]]
) -> list[str]:
    by_key = {one.case.key: one for one in scores if one.verdict_right is not None}
    names = sorted({name for one in opinions.values() for name in one})
    rows = ["| peer | precision | recall | line right |", "|---|---:|---:|---:|"]
    for name in names:
        scored_opinions = [
            (by_key[key], one[name])
            for key, one in opinions.items()
            if name in one and key in by_key
        ]
        alarms = [score for score, opinion in scored_opinions if opinion.alarmed]
        leaks = [opinion.alarmed for score, opinion in scored_opinions if score.case.is_leak]
        lines = [
            opinion.line_right
            for score, opinion in scored_opinions
            if opinion.line_right is not None and score.case.is_leak
        ]
        judged = any(opinion.alarmed is not None for _, opinion in scored_opinions)
        precision = _format_share([one.case.is_leak for one in alarms]) if judged else "–"
        recall = _format_share([bool(one) for one in leaks]) if judged else "–"
        rows.append(f"| {name} | {precision} | {recall} | {_format_share(lines)} |")
    return rows


def _format_share(answers: Sequence[bool]) -> str:
    return (
        f"{sum(answers) / len(answers):.3f} ({sum(answers)} of {len(answers)})" if answers else "–"
    )


def _sort_key(case_score: CaseScore) -> tuple[bool, str, str]:
    return case_score.case.requirements is not None, case_score.case.variant, case_score.case.name


def _escape_cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
