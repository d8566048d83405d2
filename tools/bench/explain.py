"""How long the rules take to explain an exception."""

from __future__ import annotations

import time
from importlib import import_module
from statistics import median

from tests.support.failures import FAMILIES

from bugsly_server.explain.errors.rule_engine import explain_error
from bugsly_server.model.error_explanation import ErrorContext
from bugsly_server.model.event import ErrorEvent, EventException, StackFrame
from tools.bench.section import Section

OFFLINE_FAMILIES = [one for one in FAMILIES if one != "network"]


def measure(quick: bool) -> Section:  # noqa: FBT001 - every section is asked alike
    """Explain each failure of the tests, and one with everything as large as it may be."""
    rounds = 3 if quick else 20
    cases = [
        case.event()
        for family in OFFLINE_FAMILIES
        for case in import_module(f"tests.support.failures.{family}").CASES
    ]
    explain_error(cases[0], ErrorContext())
    milliseconds = sorted(_milliseconds(event, rounds) for event in cases)
    return Section(
        title="Explaining an exception by rules",
        how=f"Median of {rounds} rounds for each of {len(cases)} exceptions made by failing code.",
        columns=("event", "ms"),
        rows=[
            ("median of all", f"{median(milliseconds):.2f}"),
            ("slowest of all", f"{milliseconds[-1]:.2f}"),
            (
                "5 chained, 200 frames and 200 long locals each",
                f"{_milliseconds(_largest_event(), rounds):.2f}",
            ),
        ],
        notes=["The first one in the life of a server also imports the rules."],
    )


def _milliseconds(event: ErrorEvent, rounds: int) -> float:
    seconds = []
    for _ in range(rounds):
        started_at = time.perf_counter()
        explain_error(event, ErrorContext())
        seconds.append(time.perf_counter() - started_at)
    return median(seconds) * 1_000


def _largest_event() -> ErrorEvent:
    lines = ("    value = call(" + "x, " * 24,) * 5
    frame = StackFrame(
        file="a.py",
        line=9,
        code="    return value.name + (" + "y.name + " * 8,
        before=lines,
        after=lines,
        in_app=True,
        locals={f"name_{number}": "{'k': 1, " * 500 for number in range(200)},
    )
    value = "'NoneType' object has no attribute 'name'" + " " * 9_000
    exception = EventException(type="AttributeError", value=value, frames=(frame,) * 200)
    return ErrorEvent(id="0" * 32, at=1, exceptions=(exception,) * 5)
