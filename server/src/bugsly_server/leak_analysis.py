"""Finds the leaks of a project: the growth of its workers, with the causes that are known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from bugsly.protocol.evidence import ProbeRequest
from bugsly_server.clock import SECOND, Micros, has_passed
from bugsly_server.detect.growth_detection import find_growth
from bugsly_server.detect.leak_finding import finding_from_evidence, finding_with_cause
from bugsly_server.detect.leak_reporting import (
    FirstSighting,
    PendingEvidence,
    held_entries,
    is_ready,
    is_reportable,
    is_urgent,
    may_wait_for_cause,
    stops_by_itself,
)
from bugsly_server.diagnose.diagnose import diagnose
from bugsly_server.diagnose.duplicates import is_unexplained_symptom
from bugsly_server.diagnose.probe_planning import is_walkable, plan_probes
from bugsly_server.explain.leak_explanation import explain_leak
from bugsly_server.model.diagnosis import Cause, Diagnosis
from bugsly_server.model.issue import Finding, Issue, IssueChange
from bugsly_server.model.leak_evidence import LeakEvidence
from bugsly_server.model.worker import Worker
from bugsly_server.store import leak_evidence as evidence_store
from bugsly_server.store.meta.database import Database
from bugsly_server.store.ports import Telemetry

ANALYSIS_INTERVAL: Micros = 5 * SECOND
"""Between two analyses of an environment: one takes a fraction of a second in a large one."""

MAX_REMEMBERED_SIGHTINGS = 10_000
"""Of a project; reports may invent holders."""


class EnvironmentAnalysis(NamedTuple):
    """What an analysis of an environment found, and when."""

    at: Micros
    findings: Sequence[Finding]
    had_growth: bool
    """Whether detection saw a growth then; a change of that does not wait for the interval."""


class EnvironmentState(NamedTuple):
    """An environment at the moment it is analyzed."""

    name: str
    growth: Finding | None
    """What detection sees there."""
    workers: Sequence[Worker]
    """Living and ended."""
    now: Micros


class ProjectWorkers(NamedTuple):
    """The workers of a project, and the leaks that are known of it."""

    living: list[Worker]
    ended: list[Worker]
    """In the last week, the latest of them."""
    recycled: list[Worker]
    """In the last day."""
    leaks: list[Issue]


class LeakOutcome(NamedTuple):
    """A known leak, the finding of it, and what that changes; each may be None."""

    issue: Issue | None
    finding: Finding | None
    change: IssueChange | None


@dataclass(slots=True)
class LeakAnalysis:
    """The leaks found so far in one project; kept from analysis to analysis."""

    database: Database
    telemetry: Telemetry
    request_probe: Callable[[Worker, ProbeRequest, Micros], object]
    """Requests an expensive probe from a worker."""
    first_sightings: dict[str, FirstSighting] = field(default_factory=dict)
    """By fingerprint."""
    analyses: dict[str, EnvironmentAnalysis] = field(default_factory=dict)
    """The latest of each environment."""

    def find_leaks(self, project_id: int, workers: Sequence[Worker], now: Micros) -> list[Finding]:
        """Return the findings about *workers*, the workers of a project, living and ended."""
        growths = {one.environment: one for one in find_growth(workers, now)}
        environments = {one.environment for one in workers if one.is_alive(now)} | set(growths)
        for name in sorted(environments):
            previous = self.analyses.get(name)
            growth = growths.get(name)
            if (
                previous is None
                or has_passed(ANALYSIS_INTERVAL, previous.at, now)
                or previous.had_growth != (growth is not None)
            ):
                members = [one for one in workers if one.environment == name]
                leaks = self._analyze(project_id, EnvironmentState(name, growth, members, now))
                self.analyses[name] = EnvironmentAnalysis(now, leaks, growth is not None)
        return [one for name in sorted(environments) for one in self.analyses[name].findings]

    def _analyze(self, project_id: int, environment: EnvironmentState) -> list[Finding]:
        growth, now = environment.growth, environment.now
        with self.database.reading() as connection:
            evidence = evidence_store.of_environment(
                connection, self.telemetry, project_id, environment.name, now
            )
        growing = {one.worker_id for one in growth.suspects} if growth is not None else set()
        diagnoses = diagnose(evidence, growing)
        self._request_probes(evidence, diagnoses, environment)
        reportable = [one for one in diagnoses if is_reportable(one, has_growth=growth is not None)]
        findings = [(one, _with_cause(one, evidence, environment)) for one in reportable]
        ready = [
            finding
            for diagnosis, finding in findings
            if self._is_ready(finding, diagnosis, evidence, now)
        ]
        if growth is None or ready or stops_by_itself(diagnoses):
            return ready
        if findings or self._may_wait_for_cause(growth, now):
            return []
        return [_with_unknown_cause(growth, evidence, diagnoses)]

    def _request_probes(
        self,
        evidence: LeakEvidence,
        diagnoses: Iterable[Diagnosis],
        environment: EnvironmentState,
    ) -> None:
        now = environment.now
        living = {one.id: one for one in environment.workers if one.has_agent and one.is_alive(now)}
        requests = [one for one in plan_probes(evidence, diagnoses) if one.worker_id in living]
        for request in requests:
            self.request_probe(living[request.worker_id], request.request, now)

    def _is_ready(
        self, finding: Finding, diagnosis: Diagnosis, evidence: LeakEvidence, now: Micros
    ) -> bool:
        first = self._first_sighting(finding, FirstSighting(now, held_entries(diagnosis)))
        return is_ready(finding, diagnosis, first, _pending_evidence(diagnosis, evidence), now)

    def _may_wait_for_cause(self, growth: Finding, now: Micros) -> bool:
        if is_urgent(growth):
            return False
        first = self._first_sighting(growth, FirstSighting(now, 0))
        return may_wait_for_cause(first, now)

    def _first_sighting(self, finding: Finding, latest: FirstSighting) -> FirstSighting:
        """Return when *finding* was first seen; the oldest are forgotten when there are many."""
        first = self.first_sightings.setdefault(finding.fingerprint, latest)
        if len(self.first_sightings) > MAX_REMEMBERED_SIGHTINGS:
            del self.first_sightings[next(iter(self.first_sightings))]
        return first


def _with_cause(
    diagnosis: Diagnosis, evidence: LeakEvidence, environment: EnvironmentState
) -> Finding:
    base = environment.growth or finding_from_evidence(
        diagnosis, environment.workers, environment.now
    )
    explanation = explain_leak(diagnosis, evidence)
    return finding_with_cause(base, diagnosis, explanation, environment.name)


def _with_unknown_cause(
    growth: Finding, evidence: LeakEvidence, diagnoses: Sequence[Diagnosis]
) -> Finding:
    """Return *growth* with what is known about it, although that names no cause."""
    best = next((one for one in diagnoses if one.cause is Cause.UNKNOWN), None)
    if best is None:
        return growth
    return replace(growth, diagnosis=best, explanation=explain_leak(best, evidence))


def _pending_evidence(diagnosis: Diagnosis, evidence: LeakEvidence) -> PendingEvidence:
    file = diagnosis.location.file
    return PendingEvidence(
        source=file is not None and file not in evidence.sources,
        heap_walk=_may_heap_name_holder(diagnosis, evidence),
    )


def _may_heap_name_holder(diagnosis: Diagnosis, evidence: LeakEvidence) -> bool:
    """Return whether a walk of the heap, which was requested, may still name the holder."""
    first_worker = diagnosis.evidence.worker_ids[:1]
    affected = [one for one in evidence.histories if one.worker_id in first_worker]
    is_unwalked = diagnosis.holder is None and diagnosis.evidence.heap_path is None
    is_open = diagnosis.cause in {Cause.CYCLES, Cause.NATIVE} and is_unwalked
    return (is_open or is_unexplained_symptom(diagnosis)) and any(map(is_walkable, affected))
