"""The verdict of a run: what it says, its exit code, and the JSON that programs read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from bugsly_server.diagnose.duplicates import is_unexplained_symptom
from bugsly_server.doctor.run_diagnosis import ExplainedDiagnosis
from bugsly_server.model.diagnosis import Cause, Diagnosis
from bugsly_server.model.max_requests import MaxRequestsProposal
from bugsly_server.model.units import count

VERSION = 1
MIN_CONCLUSIVE_REQUESTS = 1_000
"""Answered requests below which the absence of findings proves nothing."""
MIN_LEAK_REQUESTS = 600
"""Answered requests before which no leak is believed."""
STUCK_SECONDS = 5.0
"""Seconds without any answer after which fewer have to do."""
MIN_LEAK_CONFIDENCE = 0.6
"""Confidence below which a cause is a guess, and not reported as a leak."""
MIN_CERTAIN_CONFIDENCE = 0.9
"""Confidence from which a run need not go on."""
AGREEING_OBSERVATIONS = 3
"""Observations in a row that have to agree before a run ends early."""
AGREEING_WITHOUT_SITE = 8
"""The same while the source that shows the line has not arrived."""
STOPPING_CAUSES = frozenset({Cause.BOUNDED, Cause.RETENTION})


class DoctorVerdict(StrEnum):
    """What doctor can say."""

    LEAK = "leak"
    WASTEFUL = "wasteful"
    NO_LEAK = "no leak"
    INCONCLUSIVE = "inconclusive"

    @property
    def exit_code(self) -> int:
        """Return what the command ends with."""
        return {DoctorVerdict.NO_LEAK: 0, DoctorVerdict.INCONCLUSIVE: 2}.get(self, 1)


class ReportedWorker(msgspec.Struct, frozen=True, kw_only=True):
    """One worker of the run. Sizes are bytes."""

    pid: int
    requests: int
    start_bytes: int
    end_bytes: int
    bytes_per_request: float


class ReportedDiagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """One diagnosis with its explanation."""

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


class LeakStopgap(msgspec.Struct, frozen=True, kw_only=True):
    """What to write into gunicorn.conf.py until a leak is fixed, for the machine of the run."""

    lines: tuple[str, ...]
    """None where no max_requests would help."""
    because: str
    restarts_per_million: float
    """Workers that a million requests replace."""


class DoctorReport(msgspec.Struct, frozen=True, kw_only=True):
    """What `--json` writes; docs/doctor.md describes it."""

    version: int
    verdict: DoctorVerdict
    reason: str
    requests: int
    seconds: float
    statuses: Mapping[str, int]
    workers: tuple[ReportedWorker, ...]
    findings: tuple[ReportedDiagnosis, ...]
    until: LeakStopgap | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """What a run saw, apart from its diagnoses."""

    requests: int
    """Answered."""
    seconds: float
    statuses: Mapping[int, int]
    workers: tuple[ReportedWorker, ...]
    growing: tuple[int, ...]
    """Pids of the workers that grow to the end."""
    notes: tuple[str, ...] = ()
    limits: MaxRequestsProposal | None = None


def build_report(diagnoses: Sequence[ExplainedDiagnosis], summary: RunSummary) -> DoctorReport:
    """Return the report on a run that is over."""
    verdict, reason = _judge([diagnosis for diagnosis, _ in diagnoses], summary)
    return DoctorReport(
        version=VERSION,
        verdict=verdict,
        reason=reason,
        requests=summary.requests,
        seconds=round(summary.seconds, 1),
        statuses={str(status): number for status, number in sorted(summary.statuses.items())},
        workers=summary.workers,
        findings=tuple(_reported_diagnosis(one) for one in sorted(diagnoses, key=_report_order)),
        until=_stopgap(summary.limits)
        if verdict is DoctorVerdict.LEAK and summary.limits
        else None,
        notes=summary.notes,
    )


def is_likely_leak(diagnosis: Diagnosis) -> bool:
    """Return whether the verdict is a leak because of *diagnosis*: no guess, and a known cause."""
    likely = diagnosis.evidence.confidence >= MIN_LEAK_CONFIDENCE
    return diagnosis.is_leak and likely and diagnosis.cause is not Cause.UNKNOWN


def early_conclusion(
    diagnoses: Sequence[ExplainedDiagnosis],
    answered: int,
    silent_seconds: float,
    *,
    has_pending_probes: bool = False,
) -> tuple[object, ...] | None:
    """Return what a run would end with if it ended now, None while it has to go on.

    It has to while it *has_pending_probes* that may name the holder of a symptom.
    """
    certain = _certain_leaks(diagnoses)
    if (
        not certain
        or (has_pending_probes and any(map(is_unexplained_symptom, certain)))
        or (answered < MIN_LEAK_REQUESTS and silent_seconds < STUCK_SECONDS)
    ):
        return None
    return tuple(
        (one.cause, one.holder_name, one.location.site, one.attribution.endpoint) for one in certain
    )


def required_agreement(diagnoses: Sequence[ExplainedDiagnosis]) -> int:
    """Return how many observations in a row have to agree for a run to end early."""
    return (
        AGREEING_WITHOUT_SITE
        if any(one.location.file and not one.location.site for one in _certain_leaks(diagnoses))
        else AGREEING_OBSERVATIONS
    )


def needs_more_requests(
    diagnoses: Sequence[ExplainedDiagnosis], *, may_grow: bool, has_pending_probes: bool = False
) -> bool:
    """Return whether more requests could show why memory grows, or why it *may_grow*.

    They could also where the run *has_pending_probes* that may name the holder of a symptom, and
    where the code that removes entries from a holder may not have run yet.
    """
    leaks = [one for one, _ in diagnoses if is_likely_leak(one)]
    if leaks:
        return all(
            (one.holder is not None and one.holder.removes_entries)
            or (has_pending_probes and is_unexplained_symptom(one))
            or (not one.location.site and (one.is_symptom or one.holder is None))
            for one in leaks
        )
    return may_grow or any(one.cause is Cause.UNKNOWN or one.is_leak for one, _ in diagnoses)


def _certain_leaks(diagnoses: Sequence[ExplainedDiagnosis]) -> list[Diagnosis]:
    """Return the leaks that need no more observations; a symptom counts once its line is known.

    A holder with unique keys needs the whole run: the next key may be one that it has already.
    """
    return [
        one
        for one, _ in diagnoses
        if is_likely_leak(one)
        and one.evidence.confidence >= MIN_CERTAIN_CONFIDENCE
        and not one.location.unread_module
        and not (one.holder is not None and one.holder.has_unique_keys)
        and (one.location.site or not one.is_symptom)
    ]


def _judge(diagnoses: Sequence[Diagnosis], summary: RunSummary) -> tuple[DoctorVerdict, str]:
    leaks = [one for one in diagnoses if is_likely_leak(one)]
    if leaks:
        named = "its cause is" if len(leaks) == 1 else f"{len(leaks)} causes are"
        return DoctorVerdict.LEAK, f"{named} named below"
    if any(one.cause is Cause.BUFFERED_RESPONSE for one in diagnoses):
        return DoctorVerdict.WASTEFUL, "nothing grows for ever, but a response is built whole"
    if summary.requests < MIN_CONCLUSIVE_REQUESTS:
        answered = f"{count(summary.requests)} requests were answered"
        few = f"{answered}, and it takes {count(MIN_CONCLUSIVE_REQUESTS)} to tell"
        return DoctorVerdict.INCONCLUSIVE, few
    stopping = any(one.cause in STOPPING_CAUSES for one in diagnoses)
    unknown = any(one.cause is Cause.UNKNOWN for one in diagnoses)
    grows = unknown or (bool(summary.growing) and not stopping)
    if grows or any(one.is_leak for one in diagnoses):
        guess = "something may grow for ever, and too little was seen of it"
        known = "memory grows to the end, and the cause is not known"
        return DoctorVerdict.INCONCLUSIVE, known if grows else guess
    if any(one.is_slight for one in diagnoses):
        return DoctorVerdict.NO_LEAK, "what grows for ever is slight, and a library's"
    calm = "what grows stops by itself" if stopping else "nothing that grows for ever was found"
    return DoctorVerdict.NO_LEAK, calm


def _stopgap(proposal: MaxRequestsProposal) -> LeakStopgap:
    return LeakStopgap(
        lines=tuple(proposal.lines.splitlines()) if proposal.requests else (),
        because=proposal.because,
        restarts_per_million=round(proposal.per_million, 1),
    )


def _report_order(explained: ExplainedDiagnosis) -> tuple[bool, bool, float]:
    """Put leaks first, then waste, then the rest; the surest first among each."""
    diagnosis = explained[0]
    wasteful = diagnosis.cause is Cause.BUFFERED_RESPONSE
    return not is_likely_leak(diagnosis), not wasteful, -diagnosis.evidence.confidence


def _reported_diagnosis(explained: ExplainedDiagnosis) -> ReportedDiagnosis:
    diagnosis, explanation = explained
    return ReportedDiagnosis(
        cause=diagnosis.cause.value,
        is_leak=is_likely_leak(diagnosis),
        holder=diagnosis.holder_name or "",
        site=diagnosis.location.site or "",
        endpoint=diagnosis.attribution.endpoint or "",
        bytes_per_request=round(diagnosis.growth.bytes_per_request, 1),
        confidence=round(diagnosis.evidence.confidence, 3),
        title=explanation.title,
        explanation=" ".join(part for part in (explanation.what, explanation.cost) if part),
        fix=explanation.fix.change,
        diff=explanation.fix.diff or "",
        evidence=diagnosis.evidence.reasons,
    )
