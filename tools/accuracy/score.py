"""How right a result is, and how right all of them are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tools.accuracy.case_catalog import AccuracyCase
from tools.accuracy.doctor_run import NOT_RUN, DoctorResult
from tools.accuracy.ground_truth import (
    GroundTruth,
    endpoint_is_right,
    holder_is_right,
    site_is_right,
)

TOP_FINDINGS = 3
MIN_RESIDUAL_GROWTH = 200.0
"""Bytes per request from which on a fixed version is said to grow on."""
MAX_RESIDUAL_GROWTH = 2_000.0
"""Bytes per request up to which that growth may be told, as the zoo's description allows."""
VERDICTS_WITHOUT_REPORT = {2: "could not run", NOT_RUN: "not run"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseScore:
    """One case and what is to be said of its result. None stands for what does not apply."""

    case: AccuracyCase
    verdict: str
    """`not run` where there is none."""
    problem: str
    first_finding: str
    """Cause and place of the first finding."""
    verdict_right: bool | None
    cause_right: bool | None
    location_right: bool | None
    """Whether holder or line of the first finding are right."""
    location_right_in_top: bool | None
    """The same of any of the first three."""
    endpoint_right: bool | None
    requests: int
    seconds: float

    is_residual: bool
    """Whether it is honest, and was called a leak for no more than the growth described of it."""

    @property
    def is_alarmed(self) -> bool:
        """Return whether it was called a leak."""
        return self.verdict == "leak"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyFigure:
    """One figure of the whole, as parts of a number of cases."""

    name: str
    right_cases: int
    all_cases: int
    goal: float | None

    @property
    def share(self) -> float | None:
        """Return it as a number from 0 to 1."""
        return self.right_cases / self.all_cases if self.all_cases else None

    @property
    def is_met(self) -> bool | None:
        """Return whether the goal is, where there is one and something to measure."""
        share = self.share
        return None if self.goal is None or share is None else share >= self.goal


def score_result(case: AccuracyCase, result: DoctorResult) -> CaseScore:
    """Return how right *result* is."""
    report = result.report or {}
    verdict = report.get("verdict") or VERDICTS_WITHOUT_REPORT.get(result.exit_code, "crashed")
    expects_finding = case.truth.verdict != "no leak"
    findings = [one for one in report.get("findings", ()) if _counts_for_verdict(one, case.truth)]
    has_findings = expects_finding and bool(findings)
    locations_right = [_is_location_right(case.truth, one) for one in findings[:TOP_FINDINGS]]
    first = findings[0] if findings else {}
    causes = {str(one["cause"]) for one in findings[:1]}
    is_residual = verdict == "leak" and not expects_finding and _is_residual(findings, case.truth)
    return CaseScore(
        case=case,
        verdict=verdict,
        problem=result.problem,
        first_finding=_describe(first),
        verdict_right=None
        if verdict == "not run"
        else is_residual or verdict == case.truth.verdict,
        cause_right=bool(causes.intersection(case.truth.causes)) if has_findings else None,
        location_right=locations_right[0] if has_findings else None,
        location_right_in_top=any(locations_right) if has_findings else None,
        endpoint_right=endpoint_is_right(case.truth, str(first["endpoint"]))
        if has_findings
        else None,
        requests=int(report.get("requests", 0)),
        seconds=float(report.get("seconds", 0.0)),
        is_residual=is_residual,
    )


def accuracy_figures(scores: Sequence[CaseScore]) -> list[AccuracyFigure]:
    """Return the figures of the whole; cases that were not run count nowhere."""
    ran = [one for one in scores if one.verdict_right is not None]
    alarms = [one for one in ran if one.is_alarmed]
    return [
        *_verdict_figures(ran, alarms),
        *_finding_figures(ran),
        *_honest_figures(ran),
    ]


def _verdict_figures(
    ran: Sequence[CaseScore], alarms: Sequence[CaseScore]
) -> Iterator[AccuracyFigure]:
    leaks = [one for one in ran if one.case.is_leak]
    justified = [one.case.is_leak or one.is_residual for one in alarms]
    yield _figure("precision of *leak*", 0.97, justified)
    yield _figure(
        "the same, were the rests below false", None, [one.case.is_leak for one in alarms]
    )
    yield _figure("recall of *leak*", 0.95, [one.is_alarmed for one in leaks])


def _finding_figures(ran: Sequence[CaseScore]) -> Iterator[AccuracyFigure]:
    python = [one for one in ran if one.case.truth.python_level]
    native = [one for one in ran if not one.case.truth.python_level]
    in_top = [one.location_right_in_top for one in python]
    yield _figure("cause right, where one is named", 0.95, [one.cause_right for one in ran])
    yield _figure(
        "holder or line right, first finding", 0.90, [one.location_right for one in python]
    )
    yield _figure("holder or line right, first three", None, in_top)
    yield _figure("line right for native leaks", None, [one.location_right for one in native])
    yield _figure("endpoint right", 0.90, [one.endpoint_right for one in ran])


def _honest_figures(ran: Sequence[CaseScore]) -> Iterator[AccuracyFigure]:
    honest = [one for one in ran if not one.case.is_leak]
    wasteful = [one for one in ran if _is_wasteful(one.case)]
    yield _figure("cases that are honest", 0.50, [not one.case.is_leak for one in ran])
    yield _figure("*no leak*, or a rest, of those", None, [one.verdict_right for one in honest])
    yield _figure("waste seen", None, [one.verdict_right for one in wasteful])


def _figure(name: str, goal: float | None, answers: Sequence[bool | None]) -> AccuracyFigure:
    """Return how many of *answers* are true; None is no answer."""
    known = [answer for answer in answers if answer is not None]
    return AccuracyFigure(name=name, right_cases=sum(known), all_cases=len(known), goal=goal)


def _is_residual(leaks: Sequence[dict[str, Any]], truth: GroundTruth) -> bool:
    """Return whether *leaks* tell no more than the growth that is described of an honest case."""
    total_growth = sum(float(one["bytes_per_request"]) for one in leaks)
    return truth.residual_growth >= MIN_RESIDUAL_GROWTH and total_growth <= MAX_RESIDUAL_GROWTH


def _is_wasteful(case: AccuracyCase) -> bool:
    return case.truth.verdict == "wasteful"


def _counts_for_verdict(finding: dict[str, Any], truth: GroundTruth) -> bool:
    """Return whether a finding is what the verdict is about."""
    if truth.verdict == "wasteful":
        return bool(finding["cause"] == "buffered-response")
    return bool(finding["is_leak"])


def _is_location_right(truth: GroundTruth, finding: dict[str, Any]) -> bool:
    holder, site = str(finding["holder"]), str(finding["site"])
    return holder_is_right(truth, holder) or site_is_right(truth, site)


def _describe(finding: dict[str, Any]) -> str:
    locations = [finding.get("holder"), finding.get("site"), finding.get("endpoint")]
    known = [str(one) for one in locations if one]
    return ", ".join([str(finding["cause"]), *known]) if finding else ""
