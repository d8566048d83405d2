"""How long the rules take to explain an exception."""

from __future__ import annotations

import time
from importlib import import_module
from statistics import median

from tests.support.failures import FAMILIES

from bugsly_server.explain.errors.explain import explain_error
from bugsly_server.model.error_explanation import Surroundings
from bugsly_server.model.event import Event, Frame, Thrown
from tools.bench.report import Section

OFFLINE = [one for one in FAMILIES if one != "network"]


def measure(quick: bool) -> Section:  # noqa: FBT001 - every section is asked alike
    """Explain each failure of the tests, and one with everything as large as it may be."""
    rounds = 3 if quick else 20
    cases = [
        case.event()
        for family in OFFLINE
        for case in import_module(f"tests.support.failures.{family}").CASES
    ]
    explain_error(cases[0], Surroundings())
    taken = sorted(_milliseconds(event, rounds) for event in cases)
    return Section(
        title="Explaining an exception by rules",
        how=f"Median of {rounds} rounds for each of {len(cases)} exceptions made by failing code.",
        columns=("event", "ms"),
        rows=[
            ("median of all", f"{median(taken):.2f}"),
            ("slowest of all", f"{taken[-1]:.2f}"),
            (
                "5 chained, 200 frames and 200 long locals each",
                f"{_milliseconds(_huge(), rounds):.2f}",
            ),
        ],
        notes=["The first one in the life of a server also imports the rules."],
    )


def _milliseconds(event: Event, rounds: int) -> float:
    taken = []
    for _ in range(rounds):
        begun = time.perf_counter()
        explain_error(event, Surroundings())
        taken.append(time.perf_counter() - begun)
    return median(taken) * 1_000


def _huge() -> Event:
    lines = ("    value = call(" + "x, " * 24,) * 5
    frame = Frame(
        file="a.py",
        line=9,
        code="    return value.name + (" + "y.name + " * 8,
        before=lines,
        after=lines,
        in_app=True,
        locals={f"name_{number}": "{'k': 1, " * 500 for number in range(200)},
    )
    value = "'NoneType' object has no attribute 'name'" + " " * 9_000
    thrown = Thrown(type="AttributeError", value=value, frames=(frame,) * 200)
    return Event(id="0" * 32, at=1, exceptions=(thrown,) * 5)
