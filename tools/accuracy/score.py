"""How right a result is, and how right all of them are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tools.accuracy.case import Case
from tools.accuracy.run import NOT_RUN, Result
from tools.accuracy.truth import Truth, endpoint_is_right, holder_is_right, site_is_right

TOP = 3
WORTH_A_WORD = 200.0
"""Bytes per request from which on a fixed version is said to grow on."""
ALLOWED = 2_000.0
"""Bytes per request up to which that growth may be told, as the zoo's description allows."""
WITHOUT_REPORT = {2: "could not run", NOT_RUN: "not run"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One case and what is to be said of its result. None stands for what does not apply."""

    case: Case
    verdict: str
    """`not run` where there is none."""
    problem: str
    said: str
    """Cause and place of the first finding."""
    verdict_right: bool | None
    cause: bool | None
    place: bool | None
    """Whether holder or line of the first finding are right."""
    place_top: bool | None
    """The same of any of the first three."""
    endpoint: bool | None
    requests: int
    seconds: float

    is_rest: bool
    """Whether it is honest, and was called a leak for no more than the growth described of it."""

    @property
    def alarmed(self) -> bool:
        """Return whether it was called a leak."""
        return self.verdict == "leak"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure of the whole, as parts of a number of cases."""

    name: str
    right: int
    of: int
    goal: float | None

    @property
    def share(self) -> float | None:
        """Return it as a number from 0 to 1."""
        return self.right / self.of if self.of else None

    @property
    def is_met(self) -> bool | None:
        """Return whether the goal is, where there is one and something to measure."""
        share = self.share
        return None if self.goal is None or share is None else share >= self.goal


def score(case: Case, result: Result) -> Score:
    """Return how right *result* is."""
    report = result.report or {}
    verdict = report.get("verdict") or WITHOUT_REPORT.get(result.exit_code, "crashed")
    named = case.truth.verdict != "no leak"
    findings = [one for one in report.get("findings", ()) if _counts(one, case.truth)]
    told = named and bool(findings)
    places = [_place(case.truth, one) for one in findings[:TOP]]
    first = findings[0] if findings else {}
    causes = {str(one["cause"]) for one in findings[:1]}
    is_rest = verdict == "leak" and not named and _is_rest(findings, case.truth)
    return Score(
        case=case,
        verdict=verdict,
        problem=result.problem,
        said=_said(first),
        verdict_right=None if verdict == "not run" else is_rest or verdict == case.truth.verdict,
        cause=bool(causes.intersection(case.truth.causes)) if told else None,
        place=places[0] if told else None,
        place_top=any(places) if told else None,
        endpoint=endpoint_is_right(case.truth, str(first["endpoint"])) if told else None,
        requests=int(report.get("requests", 0)),
        seconds=float(report.get("seconds", 0.0)),
        is_rest=is_rest,
    )


def figures(scores: Sequence[Score]) -> list[Figure]:
    """Return the figures of the whole; cases that were not run count nowhere."""
    ran = [one for one in scores if one.verdict_right is not None]
    leaks = [one for one in ran if one.case.is_leak]
    honest = [one for one in ran if not one.case.is_leak]
    alarms = [one for one in ran if one.alarmed]
    python = [one for one in ran if one.case.truth.python_level]
    native = [one for one in ran if not one.case.truth.python_level]

    def share(
        name: str, goal: float | None, among: Iterable[Score], ask: Callable[[Score], bool | None]
    ) -> Figure:
        answers = [answer for one in among if (answer := ask(one)) is not None]
        return Figure(name=name, right=sum(answers), of=len(answers), goal=goal)

    return [
        share("precision of *leak*", 0.97, alarms, lambda one: one.case.is_leak or one.is_rest),
        share("the same, were the rests below false", None, alarms, lambda one: one.case.is_leak),
        share("recall of *leak*", 0.95, leaks, lambda one: one.alarmed),
        share("cause right, where one is named", 0.95, ran, lambda one: one.cause),
        share("holder or line right, first finding", 0.90, python, lambda one: one.place),
        share("holder or line right, first three", None, python, lambda one: one.place_top),
        share("line right for native leaks", None, native, lambda one: one.place),
        share("endpoint right", 0.90, ran, lambda one: one.endpoint),
        share("cases that are honest", 0.50, ran, lambda one: not one.case.is_leak),
        share("*no leak*, or a rest, of those", None, honest, lambda one: one.verdict_right),
        share("waste seen", None, [o for o in ran if _is_waste(o.case)], lambda o: o.verdict_right),
    ]


def _is_rest(leaks: Sequence[dict[str, Any]], truth: Truth) -> bool:
    """Return whether *leaks* tell no more than the growth that is described of an honest case."""
    told = sum(float(one["bytes_per_request"]) for one in leaks)
    return truth.rest >= WORTH_A_WORD and told <= ALLOWED


def _is_waste(case: Case) -> bool:
    return case.truth.verdict == "wasteful"


def _counts(finding: dict[str, Any], truth: Truth) -> bool:
    """Return whether a finding is what the verdict is about."""
    if truth.verdict == "wasteful":
        return bool(finding["cause"] == "buffered-response")
    return bool(finding["is_leak"])


def _place(truth: Truth, finding: dict[str, Any]) -> bool:
    holder, site = str(finding["holder"]), str(finding["site"])
    return holder_is_right(truth, holder) or site_is_right(truth, site)


def _said(finding: dict[str, Any]) -> str:
    places = [finding.get("holder"), finding.get("site"), finding.get("endpoint")]
    known = [str(one) for one in places if one]
    return ", ".join([str(finding["cause"]), *known]) if finding else ""
