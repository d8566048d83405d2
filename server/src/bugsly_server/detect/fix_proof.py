"""Says whether a release fixed a leak: how its workers grow compared to the release before."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bugsly_server.clock import DAY, Micros, has_passed
from bugsly_server.detect.pooled_growth import MIN_LIVES
from bugsly_server.detect.trend_statistics import CONFIDENCE_95
from bugsly_server.detect.worker_growth import MIN_GROWTH_BYTES
from bugsly_server.model.fix_proof import FixOutcome, FixProof, GrowthRate, ReleaseWorkers
from bugsly_server.model.growth import GrowthAxis, GrowthTrend
from bugsly_server.model.issue import Issue, IssueChange, IssueChangeKind, IssueState
from bugsly_server.model.units import count, size

MAX_REMAINING_PART = 0.1
"""The part of the old growth below which the new one has to lie with its whole interval."""
HEAP_GRAIN_BYTES = 131_072
"""Bytes by which memory moves anyhow: glibc's heap grows in such steps (M_TOP_PAD)."""
PROOF_AWAITED_FOR: Micros = 7 * DAY
"""For so long after it was last seen, a leak that a person resolved waits for its proof."""
RUNNING_REASON = "workers of {} are still running"
UNSERVED_REASON = "no {} was answered in {}"
UNCLEAR_REASON = "how fast it grew in {} is not known well enough"
TOO_FEW_REASON = "more requests are needed to be sure"


def awaits_proof(issue: Issue, now: Micros) -> bool:
    """Return whether the next release may prove *issue*, which no finding confirms, to be fixed."""
    if issue.state is IssueState.RESOLVED:
        is_manual = issue.resolved_at is not None and issue.proof is None
        return is_manual and not has_passed(PROOF_AWAITED_FOR, issue.seen_at, now)
    return issue.state in {IssueState.OPEN, IssueState.QUIET}


def fixed_change(proof: FixProof | None, now: Micros) -> IssueChange | None:
    """Return the change that *proof* leads to, if it proves that the leak is gone."""
    if proof is None or proof.outcome is not FixOutcome.FIXED:
        return None
    because = proof.because
    return IssueChange(
        kind=IssueChangeKind.FIXED, at=now, because=because, finding=None, proof=proof
    )


def prove_fix(issue: Issue, before: ReleaseWorkers, after: ReleaseWorkers) -> FixProof | None:
    """Return what *after*, of a later release than *before*, shows about the leak of *issue*.

    None while too little was seen of either for any growth rate.
    """
    old, new = measure_growth_rate(before), measure_growth_rate(after)
    if old is None or new is None:
        return None
    diagnosis = issue.finding.diagnosis
    endpoint = None if diagnosis is None else diagnosis.attribution.endpoint
    per = "request" if endpoint is None else f"{endpoint} request"
    outcome, why = _judge(old, new, 1.0 if diagnosis is None else diagnosis.growth.part)
    if before.is_running:
        outcome, why = FixOutcome.OPEN, RUNNING_REASON.format(old.release)
    elif not new.requests:
        outcome, why = FixOutcome.OPEN, UNSERVED_REASON.format(per, new.release)
    head = {
        FixOutcome.FIXED: f"fixed in {new.release}",
        FixOutcome.GROWING: f"not fixed in {new.release}",
        FixOutcome.OPEN: f"not known yet whether {new.release} fixed it",
    }[outcome]
    many = f"{count(new.requests)} {'requests' if per == 'request' else 'of them'}"
    figures = (
        f"{size(old.slope)} per {per} before ({old.interval}), "
        f"{size(new.slope)} ({new.interval}) after {many}"
    )
    because = "; ".join(filter(None, (f"{head}: {figures}", why)))
    return FixProof(outcome=outcome, because=because, before=old, after=new, per=per)


def measure_growth_rate(measured: ReleaseWorkers) -> GrowthRate | None:
    """Return how fast *measured* grow with each request that can drive the leak; None if unknown.

    It is the mean of their slopes, each weighted by its certainty. The interval is wider where
    they disagree (Birge 1932).
    """
    trends = [
        (one.growth, one.started_at)
        for one in measured.workers
        if one.growth is not None and one.growth.axis is GrowthAxis.REQUESTS and one.growth.span
    ]
    if not trends:
        return None
    mean, margin = _weighted_mean([(growth.slope, _slope_error(growth)) for growth, _ in trends])
    requests = sum(growth.span for growth, _ in trends)
    scale = 1 / measured.driving_part if measured.driving_part else 0.0
    return GrowthRate(
        release=measured.release,
        since=min(started_at for _, started_at in trends),
        workers=len(trends),
        requests=round(requests * measured.driving_part),
        slope=mean * scale,
        low=(mean - margin) * scale,
        high=(mean + margin) * scale,
    )


def _slope_error(growth: GrowthTrend) -> float:
    """Return the standard error of a slope."""
    return max((growth.high - growth.low) / (2 * CONFIDENCE_95), HEAP_GRAIN_BYTES / growth.span)


def _weighted_mean(measured: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return the mean of *measured*, values with their errors, and the reach of its interval."""
    weights = [error**-2 for _, error in measured]
    whole = sum(weights)
    mean = sum(w * value for w, (value, _) in zip(weights, measured, strict=True)) / whole
    spread = sum(((value - mean) / error) ** 2 for value, error in measured)
    disagreement = max(1.0, math.sqrt(spread / max(1, len(measured) - 1)))
    return mean, CONFIDENCE_95 * disagreement / math.sqrt(whole)


def _judge(old: GrowthRate, new: GrowthRate, part: float) -> tuple[FixOutcome, str]:
    """Return what *new* proves about a leak that made up *part* of *old*, and what it lacks.

    Memory that does not grow proves something only where the leak would have made it grow: by as
    much as detection requires to call a worker growing, in each of eight workers, or in all if
    there are fewer.
    """
    if old.low <= 0:
        return FixOutcome.OPEN, UNCLEAR_REASON.format(old.release)
    small = MAX_REMAINING_PART * part * old.low
    shows = old.low * part * new.requests >= MIN_GROWTH_BYTES * min(new.workers, MIN_LIVES)
    if shows and new.high <= small:
        return FixOutcome.FIXED, ""
    if shows and new.low > small:
        return FixOutcome.GROWING, ""
    return FixOutcome.OPEN, TOO_FEW_REASON
