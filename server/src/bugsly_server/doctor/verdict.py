"""The verdict of a run: what it says, its exit code, and the JSON that programs read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from bugsly_server.diagnose.echoes import lacks_holder
from bugsly_server.doctor.diagnoses import Found
from bugsly_server.model.diagnosis import Cause, Diagnosis
from bugsly_server.model.max_requests import MaxRequests
from bugsly_server.model.units import count

VERSION = 1
ENOUGH = 1_000
"""Answered requests below which silence proves nothing."""
FIRST_LOOK = 600
"""Answered requests before which no leak is believed."""
STUCK = 5.0
"""Seconds without any answer after which fewer have to do."""
LIKELY = 0.6
"""Confidence below which a cause is a guess, and not told as a leak."""
SURE = 0.9
"""And from which a run need not go on."""
AGREEING = 3
"""Looks in a row that have to say the same before a run ends early."""
FOR_SITE = 8
"""And while the source that shows the line has not come."""
STOPS = frozenset({Cause.BOUNDED, Cause.RETENTION})


class Verdict(StrEnum):
    """What doctor can say."""

    LEAK = "leak"
    WASTEFUL = "wasteful"
    NO_LEAK = "no leak"
    INCONCLUSIVE = "inconclusive"

    @property
    def exit_code(self) -> int:
        """Return what the command ends with."""
        return {Verdict.NO_LEAK: 0, Verdict.INCONCLUSIVE: 2}.get(self, 1)


class WorkerSeen(msgspec.Struct, frozen=True, kw_only=True):
    """One worker of the run. Sizes are bytes."""

    pid: int
    requests: int
    start_bytes: int
    end_bytes: int
    bytes_per_request: float


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One diagnosis with its words."""

    cause: str
    is_leak: bool
    holder: str
    site: str
    endpoint: str
    bytes_per_request: float
    confidence: float
    title: str
    explanation: str
    fix: str
    diff: str
    evidence: tuple[str, ...]


class Until(msgspec.Struct, frozen=True, kw_only=True):
    """What to write into gunicorn.conf.py until a leak is mended, for the machine of the run."""

    lines: tuple[str, ...]
    """None where no max_requests would help."""
    because: str
    restarts_per_million: float
    """Workers that a million requests replace."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What `--json` writes; docs/doctor.md describes it."""

    version: int
    verdict: Verdict
    reason: str
    requests: int
    seconds: float
    statuses: Mapping[str, int]
    workers: tuple[WorkerSeen, ...]
    findings: tuple[Told, ...]
    until: Until | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a run saw, beside its diagnoses."""

    requests: int
    """Answered."""
    seconds: float
    statuses: Mapping[int, int]
    workers: tuple[WorkerSeen, ...]
    growing: tuple[int, ...]
    """Pids of the workers that grow to the end."""
    notes: tuple[str, ...] = ()
    limits: MaxRequests | None = None


def conclude(found: Sequence[Found], seen: Seen) -> Report:
    """Return the report on a run that is over."""
    verdict, reason = _judge([diagnosis for diagnosis, _ in found], seen)
    return Report(
        version=VERSION,
        verdict=verdict,
        reason=reason,
        requests=seen.requests,
        seconds=round(seen.seconds, 1),
        statuses={str(status): number for status, number in sorted(seen.statuses.items())},
        workers=seen.workers,
        findings=tuple(_told(one) for one in sorted(found, key=_rank)),
        until=_until(seen.limits) if verdict is Verdict.LEAK and seen.limits else None,
        notes=seen.notes,
    )


def is_leak(diagnosis: Diagnosis) -> bool:
    """Return whether a diagnosis makes the verdict one: no guess does, nor what has no cause."""
    likely = diagnosis.confidence >= LIKELY
    return diagnosis.is_leak and likely and diagnosis.cause is not Cause.UNKNOWN


def opinion(
    found: Sequence[Found], answered: int, quiet: float, *, waits: bool = False
) -> tuple[object, ...] | None:
    """Return what a run would end with if it ended now, None while it has to go on.

    It does while it *waits* for a worker to tell what holds what is left behind.
    """
    sure = _sure(found)
    if (
        not sure
        or (waits and any(map(lacks_holder, sure)))
        or (answered < FIRST_LOOK and quiet < STUCK)
    ):
        return None
    return tuple((one.cause, one.holder, one.site, one.endpoint) for one in sure)


def agreeing(found: Sequence[Found]) -> int:
    """Return how many looks in a row have to be of one opinion for a run to end early."""
    return FOR_SITE if any(one.file and not one.site for one in _sure(found)) else AGREEING


def is_open(found: Sequence[Found], *, maybe: bool, waits: bool = False) -> bool:
    """Return whether more requests could tell why memory grows, as it does or *maybe* does.

    They could, too, where it *waits* for a worker to tell what holds what is left behind, or where
    the code that takes entries out of a holder may only not have come to it.
    """
    leaks = [one for one, _ in found if is_leak(one)]
    if leaks:
        return all(
            one.leaves
            or (waits and lacks_holder(one))
            or (not one.site and (one.is_symptom or not one.holder))
            for one in leaks
        )
    return maybe or any(one.cause is Cause.UNKNOWN or one.is_leak for one, _ in found)


def _sure(found: Sequence[Found]) -> list[Diagnosis]:
    """Return the leaks that need no more looks; of a symptom somebody has to know the line.

    What keeps nothing twice needs all looks: the next key may be one that it has met.
    """
    sure = [one for one, _ in found if is_leak(one) and one.confidence >= SURE and not one.unread]
    return [one for one in sure if not one.keyed and (one.site or not one.is_symptom)]


def _judge(diagnoses: Sequence[Diagnosis], seen: Seen) -> tuple[Verdict, str]:
    leaks = [one for one in diagnoses if is_leak(one)]
    if leaks:
        named = "its cause is" if len(leaks) == 1 else f"{len(leaks)} causes are"
        return Verdict.LEAK, f"{named} named below"
    if any(one.cause is Cause.BUFFERED_RESPONSE for one in diagnoses):
        return Verdict.WASTEFUL, "nothing grows for ever, but a response is built whole"
    if seen.requests < ENOUGH:
        few = f"{count(seen.requests)} requests were answered, and it takes {count(ENOUGH)} to tell"
        return Verdict.INCONCLUSIVE, few
    stopping = any(one.cause in STOPS for one in diagnoses)
    unknown = any(one.cause is Cause.UNKNOWN for one in diagnoses)
    grows = unknown or (bool(seen.growing) and not stopping)
    if grows or any(one.is_leak for one in diagnoses):
        guess = "something may grow for ever, and too little was seen of it"
        known = "memory grows to the end, and the cause is not known"
        return Verdict.INCONCLUSIVE, known if grows else guess
    if any(one.is_slight for one in diagnoses):
        return Verdict.NO_LEAK, "what grows for ever is slight, and a library's"
    calm = "what grows stops by itself" if stopping else "nothing that grows for ever was found"
    return Verdict.NO_LEAK, calm


def _until(limits: MaxRequests) -> Until:
    return Until(
        lines=tuple(limits.lines.splitlines()) if limits.requests else (),
        because=limits.because,
        restarts_per_million=round(limits.per_million, 1),
    )


def _rank(one: Found) -> tuple[bool, bool, float]:
    """Put leaks first, then waste, then the rest; the surest first among each."""
    diagnosis = one[0]
    wasteful = diagnosis.cause is Cause.BUFFERED_RESPONSE
    return not is_leak(diagnosis), not wasteful, -diagnosis.confidence


def _told(one: Found) -> Told:
    diagnosis, words = one
    return Told(
        cause=diagnosis.cause.value,
        is_leak=is_leak(diagnosis),
        holder=diagnosis.holder,
        site=diagnosis.site,
        endpoint=diagnosis.endpoint,
        bytes_per_request=round(diagnosis.bytes_per_request, 1),
        confidence=round(diagnosis.confidence, 3),
        title=words.title,
        explanation=" ".join(part for part in (words.what, words.cost) if part),
        fix=words.fix,
        diff=words.diff,
        evidence=diagnosis.because,
    )
