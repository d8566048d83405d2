"""Asks why the workers of a project grow: detection's findings, with causes where there are any."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from bugsly.protocol.evidence import ProbeRequest
from bugsly_server.clock import MINUTE, SECOND, Micros
from bugsly_server.detect import finding as findings
from bugsly_server.diagnose.diagnose import diagnose
from bugsly_server.diagnose.duplicates import is_unexplained_symptom
from bugsly_server.diagnose.heap.holder_paths import without_thread_number
from bugsly_server.diagnose.probe_planning import is_walkable, plan_probes
from bugsly_server.explain.leak_explanation import explain_leak
from bugsly_server.model.diagnosis import Cause, Diagnosis
from bugsly_server.model.growth import GrowthAxis, GrowthTrend
from bugsly_server.model.issue import Finding, FindingScope
from bugsly_server.model.leak_evidence import LeakEvidence
from bugsly_server.model.worker import Worker
from bugsly_server.store import leak_evidence as evidence_store
from bugsly_server.store.meta.database import Database
from bugsly_server.store.ports import Telemetry

MIN_CONFIDENCE_WITHOUT_GROWTH = 0.85
"""Confidence from which a leak is told although memory does not show it yet."""
MIN_CONFIDENCE_WITH_GROWTH = 0.6
"""And from which it is the cause of a growth that memory does show."""
MIN_HARMLESS_SHARE = 0.5
"""The part of a growth that has to be known to stop by itself for nobody to be told of it."""
MIN_GAIN_FACTOR = 1.2
"""A leak is seen twice before it is told: again when it has gained so much more."""
CAUSE_PATIENCE: Micros = 90 * SECOND
"""How long a growth without a cause, or one without a holder, waits before it is told as it is."""
SOURCE_PATIENCE: Micros = 30 * SECOND
"""How long a cause waits for the source that shows its line."""
ANALYSIS_INTERVAL: Micros = 5 * SECOND
"""Between two looks at an environment: a look costs a fraction of a second in a large one."""
URGENT_SECONDS = 15.0 * MINUTE / SECOND
"""Seconds until memory runs out, below which nothing waits."""


@dataclass(slots=True)
class FirstSighting:
    """When something was first seen, and how much its holder held by then."""

    at: Micros
    entries: int


class EnvironmentAnalysis(NamedTuple):
    """What a look at an environment found, and when."""

    at: Micros
    findings: Sequence[Finding]
    had_growth: bool
    """Whether detection had something to say then; a change of that does not wait."""


@dataclass(slots=True)
class LeakAnalysis:
    """What was found out about one project; kept from look to look."""

    database: Database
    telemetry: Telemetry
    request_probe: Callable[[Worker, ProbeRequest, Micros], object]
    """Asks a worker for a dear probe."""
    first_sightings: dict[str, FirstSighting] = field(default_factory=dict)
    analyses: dict[str, EnvironmentAnalysis] = field(default_factory=dict)
    """The latest answer for each environment."""

    def find_leaks(self, project_id: int, workers: Sequence[Worker], now: Micros) -> list[Finding]:
        """Return what is to be said of *workers*, the workers of a project, living and ended."""
        growths = {one.environment: one for one in findings.find_growth(workers, now)}
        environments = {one.environment for one in workers if one.is_alive(now)} | set(growths)
        for environment in sorted(environments):
            previous = self.analyses.get(environment)
            growth = growths.get(environment)
            if (
                previous is None
                or now - previous.at >= ANALYSIS_INTERVAL
                or previous.had_growth != (growth is not None)
            ):
                environment_workers = [one for one in workers if one.environment == environment]
                leaks = self._analyze(project_id, environment, growth, environment_workers, now)
                self.analyses[environment] = EnvironmentAnalysis(now, leaks, growth is not None)
        return [one for name in sorted(environments) for one in self.analyses[name].findings]

    def _analyze(
        self,
        project_id: int,
        environment: str,
        growth: Finding | None,
        workers: Sequence[Worker],
        now: Micros,
    ) -> list[Finding]:
        with self.database.reading() as connection:
            evidence = evidence_store.of_environment(
                connection, self.telemetry, project_id, environment, now
            )
        growing = {one.worker_id for one in growth.suspects} if growth is not None else set()
        diagnoses = diagnose(evidence, growing)
        self._request_probes(evidence, diagnoses, workers, now)
        causes = [
            self._with_cause(one, evidence, growth, workers, environment, now)
            for one in diagnoses
            if _is_reportable(one, growth)
        ]
        ready = [one for one in causes if self._is_ready(one, evidence, now)]
        if growth is None or ready or _is_mostly_harmless(diagnoses):
            return ready
        if causes or self._may_wait_for_cause(growth, now):
            return []
        return [_with_unknown_cause(growth, evidence, diagnoses)]

    def _request_probes(
        self,
        evidence: LeakEvidence,
        diagnoses: Iterable[Diagnosis],
        workers: Sequence[Worker],
        now: Micros,
    ) -> None:
        living = {one.id: one for one in workers if one.has_agent and one.is_alive(now)}
        requests = [one for one in plan_probes(evidence, diagnoses) if one.worker_id in living]
        for request in requests:
            self.request_probe(living[request.worker_id], request.request, now)

    def _with_cause(
        self,
        diagnosis: Diagnosis,
        evidence: LeakEvidence,
        growth: Finding | None,
        workers: Sequence[Worker],
        environment: str,
        now: Micros,
    ) -> Finding:
        explanation = explain_leak(diagnosis, evidence)
        base = growth or _finding_from_evidence(diagnosis, workers, now)
        return replace(
            base,
            fingerprint=leak_fingerprint(diagnosis, environment),
            environment=environment,
            title=explanation.title,
            because=diagnosis.because[0],
            diagnosis=diagnosis,
            explanation=explanation,
        )

    def _is_ready(self, finding: Finding, evidence: LeakEvidence, now: Micros) -> bool:
        """Return whether *finding* was seen before and has gone on, and nothing is waited for."""
        diagnosis = finding.diagnosis
        assert diagnosis is not None, "only causes have to wait"
        first = self.first_sightings.setdefault(
            finding.fingerprint, FirstSighting(now, diagnosis.entries)
        )
        if diagnosis.file not in {"", *evidence.sources} and now - first.at < SOURCE_PATIENCE:
            return False
        is_waiting = now - first.at < CAUSE_PATIENCE and not _is_urgent(finding)
        if is_waiting and _heap_may_name_holder(diagnosis, evidence):
            return False
        if finding.suspects and finding.suspects[0].total:
            return True
        return now > first.at and diagnosis.entries >= MIN_GAIN_FACTOR * first.entries

    def _may_wait_for_cause(self, growth: Finding, now: Micros) -> bool:
        """Return whether *growth*, which has no cause yet, may wait for one."""
        if _is_urgent(growth):
            return False
        first = self.first_sightings.setdefault(growth.fingerprint, FirstSighting(now, 0))
        return now - first.at < CAUSE_PATIENCE


def leak_fingerprint(diagnosis: Diagnosis, environment: str) -> str:
    """Return what identifies a cause: what holds the memory, or the line that makes it.

    Equal for every worker, thread, host and release of one environment. A collector that is off is
    one cause, whatever it leaves lying.
    """
    made = diagnosis.site.rpartition(":")[0] or diagnosis.endpoint
    what = without_thread_number(diagnosis.holder) or (
        "" if diagnosis.cause is Cause.CYCLES else made
    )
    return f"1/{diagnosis.cause}/{what}/{environment}"


def _heap_may_name_holder(diagnosis: Diagnosis, evidence: LeakEvidence) -> bool:
    """Return whether a walk of the heap, which is asked for, may yet name what holds it."""
    affected = [one for one in evidence.histories if one.worker_id in diagnosis.workers[:1]]
    is_unwalked = not diagnosis.holder and diagnosis.trace is None
    is_open = diagnosis.cause in {Cause.CYCLES, Cause.NATIVE} and is_unwalked
    return (is_open or is_unexplained_symptom(diagnosis)) and any(map(is_walkable, affected))


def _is_urgent(growth: Finding) -> bool:
    """Return whether memory runs out too soon for anything to be waited for."""
    return growth.forecast is not None and growth.forecast.expected < URGENT_SECONDS


def _is_reportable(diagnosis: Diagnosis, growth: Finding | None) -> bool:
    if diagnosis.cause is Cause.BUFFERED_RESPONSE:
        return True
    return diagnosis.is_leak and diagnosis.confidence >= (
        MIN_CONFIDENCE_WITHOUT_GROWTH if growth is None else MIN_CONFIDENCE_WITH_GROWTH
    )


def _is_mostly_harmless(diagnoses: Iterable[Diagnosis]) -> bool:
    """Return whether most of a growth is known to be no leak."""
    harmless = {Cause.BOUNDED, Cause.RETENTION}
    return sum(one.part for one in diagnoses if one.cause in harmless) >= MIN_HARMLESS_SHARE


def _with_unknown_cause(
    growth: Finding, evidence: LeakEvidence, diagnoses: Sequence[Diagnosis]
) -> Finding:
    """Return *growth* with what is known of it, although that names no cause."""
    best = next((one for one in diagnoses if one.cause is Cause.UNKNOWN), None)
    if best is None:
        return growth
    return replace(growth, diagnosis=best, explanation=explain_leak(best, evidence))


def _finding_from_evidence(diagnosis: Diagnosis, workers: Sequence[Worker], now: Micros) -> Finding:
    """Return a finding that rests on evidence alone: memory does not show it yet."""
    growth = _growth_from_evidence(diagnosis)
    concerned = [one for one in workers if one.id in diagnosis.workers and one.is_alive(now)]
    living = sum(one.is_alive(now) for one in workers)
    scope = FindingScope.ONE if len(concerned) == 1 and living > 1 else FindingScope.SOME
    return Finding(
        fingerprint="",
        title="",
        scope=FindingScope.ALL if concerned and len(concerned) == living else scope,
        because="",
        suspects=tuple(findings.as_suspect(one, now, growth) for one in concerned),
        slope=growth.slope,
        axis=growth.axis,
        peers=0,
        peer_slope=0.0,
        forecast=None,
        release=max(concerned, key=lambda worker: worker.started_at).release if concerned else "",
    )


def _growth_from_evidence(diagnosis: Diagnosis) -> GrowthTrend:
    """Return the growth that a holder amounts to; a total of 0 says that memory shows none."""
    return GrowthTrend(
        axis=GrowthAxis.REQUESTS,
        slope=diagnosis.bytes_per_request,
        low=0.0,
        high=0.0,
        z=0.0,
        rises=0.0,
        last=0.0,
        total=0,
        span=0.0,
    )
