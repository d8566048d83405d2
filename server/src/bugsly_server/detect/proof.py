"""Says whether a release mended a leak: how its workers grow beside those of the one before it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bugsly_server.clock import DAY, Micros
from bugsly_server.detect.growth import FLOOR
from bugsly_server.detect.pool import MIN_LIVES
from bugsly_server.detect.trend import CONFIDENCE_95
from bugsly_server.model.growth import Axis, Growth
from bugsly_server.model.issue import Change, ChangeKind, Issue, State
from bugsly_server.model.proof import Lives, Outcome, Pace, Proof
from bugsly_server.model.units import count, size

SMALL = 0.1
"""The part of the old growth below which the new one has to lie with its whole interval."""
GRAIN = 131_072
"""Bytes by which memory moves anyhow: glibc's heap grows in such steps (M_TOP_PAD)."""
AWAITED: Micros = 7 * DAY
"""For so long after it was last seen, a leak that a person resolved waits for its proof."""
RUNNING = "workers of {} are still running"
UNSERVED = "no {} was answered in {}"
UNCLEAR = "how fast it grew in {} is not known well enough"
TOO_FEW = "more requests are needed to be sure"


def awaits_proof(issue: Issue, now: Micros) -> bool:
    """Return whether the next release may prove that *issue*, which nothing speaks for, is over."""
    if issue.state is State.RESOLVED:
        by_hand = issue.resolved_at is not None and issue.proof is None
        return by_hand and now - issue.seen_at < AWAITED
    return issue.state in {State.OPEN, State.QUIET}


def fixed(proof: Proof | None, now: Micros) -> Change | None:
    """Return the change that *proof* leads to, if it proves that the leak is gone."""
    if proof is None or proof.outcome is not Outcome.FIXED:
        return None
    because = proof.because
    return Change(kind=ChangeKind.FIXED, at=now, because=because, finding=None, proof=proof)


def prove(issue: Issue, before: Lives, after: Lives) -> Proof | None:
    """Return what *after*, of a later release than *before*, says of the leak of *issue*.

    None while too little was seen of either to speak of a growth at all.
    """
    old, new = pace(before), pace(after)
    if old is None or new is None:
        return None
    diagnosis = issue.finding.diagnosis
    per = f"{diagnosis.endpoint} request".lstrip() if diagnosis is not None else "request"
    outcome, why = _judge(old, new, 1.0 if diagnosis is None else diagnosis.part)
    if before.running:
        outcome, why = Outcome.OPEN, RUNNING.format(old.release)
    elif not new.requests:
        outcome, why = Outcome.OPEN, UNSERVED.format(per, new.release)
    head = {
        Outcome.FIXED: f"fixed in {new.release}",
        Outcome.GROWING: f"not fixed in {new.release}",
        Outcome.OPEN: f"not known yet whether {new.release} fixed it",
    }[outcome]
    many = f"{count(new.requests)} {'requests' if per == 'request' else 'of them'}"
    figures = (
        f"{size(old.slope)} per {per} before ({old.interval}), "
        f"{size(new.slope)} ({new.interval}) after {many}"
    )
    because = "; ".join(filter(None, (f"{head}: {figures}", why)))
    return Proof(outcome=outcome, because=because, before=old, after=new, per=per)


def pace(lives: Lives) -> Pace | None:
    """Return how fast *lives* grow with each request that can drive the leak; None if unknown.

    The mean of their slopes, each weighing by its certainty. The interval is as much wider as the
    lives disagree (Birge 1932).
    """
    grown = [
        (one.growth, one.started_at)
        for one in lives.workers
        if one.growth is not None and one.growth.axis is Axis.REQUESTS and one.growth.span
    ]
    if not grown:
        return None
    mean, reach = _mean([(growth.slope, _error(growth)) for growth, _ in grown])
    requests = sum(growth.span for growth, _ in grown)
    scale = 1 / lives.driven if lives.driven else 0.0
    return Pace(
        release=lives.release,
        since=min(started_at for _, started_at in grown),
        lives=len(grown),
        requests=round(requests * lives.driven),
        slope=mean * scale,
        low=(mean - reach) * scale,
        high=(mean + reach) * scale,
    )


def _error(growth: Growth) -> float:
    """Return the standard error of a slope."""
    return max((growth.high - growth.low) / (2 * CONFIDENCE_95), GRAIN / growth.span)


def _mean(measured: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return the mean of *measured*, values with their errors, and the reach of its interval."""
    weights = [error**-2 for _, error in measured]
    whole = sum(weights)
    mean = sum(w * value for w, (value, _) in zip(weights, measured, strict=True)) / whole
    spread = sum(((value - mean) / error) ** 2 for value, error in measured)
    disagreement = max(1.0, math.sqrt(spread / max(1, len(measured) - 1)))
    return mean, CONFIDENCE_95 * disagreement / math.sqrt(whole)


def _judge(old: Pace, new: Pace, part: float) -> tuple[Outcome, str]:
    """Return what *new* proves about a leak that made up *part* of *old*, and what it lacks.

    Memory that stood still proves something only where the leak would have moved it: by as much
    as detection asks for before it calls a worker growing, in each of eight lives or in all there
    are.
    """
    if old.low <= 0:
        return Outcome.OPEN, UNCLEAR.format(old.release)
    small = SMALL * part * old.low
    shows = old.low * part * new.requests >= FLOOR * min(new.lives, MIN_LIVES)
    if shows and new.high <= small:
        return Outcome.FIXED, ""
    if shows and new.low > small:
        return Outcome.GROWING, ""
    return Outcome.OPEN, TOO_FEW
