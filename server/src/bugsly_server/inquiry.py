"""Asks why the workers of a project grow: detection's findings, with causes where there are any."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from bugsly.protocol.evidence import Ask
from bugsly_server.clock import MINUTE, SECOND, Micros
from bugsly_server.detect import finding as findings
from bugsly_server.diagnose.asking import is_walkable, wanted
from bugsly_server.diagnose.diagnose import diagnose
from bugsly_server.diagnose.echoes import lacks_holder
from bugsly_server.diagnose.paths import of_any_thread
from bugsly_server.explain.explain import explain
from bugsly_server.model.diagnosis import Cause, Diagnosis
from bugsly_server.model.dossier import Dossier
from bugsly_server.model.growth import Axis, Growth
from bugsly_server.model.issue import Finding, Scope
from bugsly_server.model.worker import Worker
from bugsly_server.store import dossier as dossiers
from bugsly_server.store.meta.database import Database
from bugsly_server.store.ports import Telemetry

SURE = 0.85
"""Confidence from which a leak is told although memory does not show it yet."""
LIKELY = 0.6
"""And from which it is the cause of a growth that memory does show."""
ACCOUNTED = 0.5
"""The part of a growth that has to be known to stop by itself for nobody to be told of it."""
MORE = 1.2
"""A leak is seen twice before it is told: again when it has gained so much more."""
PATIENCE: Micros = 90 * SECOND
"""How long a growth without a cause, or one without a holder, waits before it is told as it is."""
FOR_SOURCE: Micros = 30 * SECOND
"""How long a cause waits for the source that shows its line."""
PAUSE: Micros = 5 * SECOND
"""Between two looks at an environment: a look costs a fraction of a second in a large one."""
SOON = 15.0 * MINUTE / SECOND
"""Seconds until memory runs out, below which nothing waits."""


@dataclass(slots=True)
class Sighting:
    """When something was first seen, and how much its holder held by then."""

    at: Micros
    entries: int


class Looked(NamedTuple):
    """What a look at an environment found, and when."""

    at: Micros
    found: Sequence[Finding]
    grew: bool
    """Whether detection had something to say then; a change of that does not wait."""


@dataclass(slots=True)
class Inquiry:
    """What was found out about one project; kept from look to look."""

    database: Database
    telemetry: Telemetry
    ask: Callable[[Worker, Ask, Micros], object]
    """Asks a worker for a dear probe."""
    sighted: dict[str, Sighting] = field(default_factory=dict)
    looked: dict[str, Looked] = field(default_factory=dict)
    """The latest answer for each environment."""

    def find(self, project_id: int, members: Sequence[Worker], now: Micros) -> list[Finding]:
        """Return what is to be said of *members*, the workers of a project, living and ended."""
        growths = {one.environment: one for one in findings.find(members, now)}
        environments = {one.environment for one in members if one.is_alive(now)} | set(growths)
        for environment in sorted(environments):
            last = self.looked.get(environment)
            growth = growths.get(environment)
            if last is None or now - last.at >= PAUSE or last.grew != (growth is not None):
                mine = [one for one in members if one.environment == environment]
                found = self._look(project_id, environment, growth, mine, now)
                self.looked[environment] = Looked(now, found, growth is not None)
        return [one for name in sorted(environments) for one in self.looked[name].found]

    def _look(
        self,
        project_id: int,
        environment: str,
        growth: Finding | None,
        members: Sequence[Worker],
        now: Micros,
    ) -> list[Finding]:
        with self.database.reading() as connection:
            dossier = dossiers.of_environment(
                connection, self.telemetry, project_id, environment, now
            )
        growing = {one.worker_id for one in growth.suspects} if growth is not None else set()
        diagnoses = diagnose(dossier, growing)
        self._ask(dossier, diagnoses, members, now)
        causes = [
            self._with_cause(one, dossier, growth, members, environment, now)
            for one in diagnoses
            if _is_told(one, growth)
        ]
        ready = [one for one in causes if self._is_ready(one, dossier, now)]
        if growth is None or ready or _stops(diagnoses):
            return ready
        if causes or self._waits(growth, now):
            return []
        return [_with_open_cause(growth, dossier, diagnoses)]

    def _ask(
        self,
        dossier: Dossier,
        diagnoses: Iterable[Diagnosis],
        members: Sequence[Worker],
        now: Micros,
    ) -> None:
        living = {one.id: one for one in members if one.has_agent and one.is_alive(now)}
        asked = [one for one in wanted(dossier, diagnoses) if one.worker_id in living]
        for one in asked:
            self.ask(living[one.worker_id], one.ask, now)

    def _with_cause(
        self,
        diagnosis: Diagnosis,
        dossier: Dossier,
        growth: Finding | None,
        members: Sequence[Worker],
        environment: str,
        now: Micros,
    ) -> Finding:
        explanation = explain(diagnosis, dossier)
        base = growth or _without_growth(diagnosis, members, now)
        return replace(
            base,
            fingerprint=fingerprint(diagnosis, environment),
            environment=environment,
            title=explanation.title,
            because=diagnosis.because[0],
            diagnosis=diagnosis,
            explanation=explanation,
        )

    def _is_ready(self, finding: Finding, dossier: Dossier, now: Micros) -> bool:
        """Return whether *finding* was seen before and has gone on, and nothing is waited for."""
        diagnosis = finding.diagnosis
        assert diagnosis is not None, "only causes have to wait"
        first = self.sighted.setdefault(finding.fingerprint, Sighting(now, diagnosis.entries))
        if diagnosis.file not in {"", *dossier.sources} and now - first.at < FOR_SOURCE:
            return False
        waits = now - first.at < PATIENCE and not _is_urgent(finding)
        if waits and _may_be_held(diagnosis, dossier):
            return False
        if finding.suspects and finding.suspects[0].total:
            return True
        return now > first.at and diagnosis.entries >= MORE * first.entries

    def _waits(self, growth: Finding, now: Micros) -> bool:
        """Return whether *growth*, which has no cause yet, may wait for one."""
        if _is_urgent(growth):
            return False
        first = self.sighted.setdefault(growth.fingerprint, Sighting(now, 0))
        return now - first.at < PATIENCE


def fingerprint(diagnosis: Diagnosis, environment: str) -> str:
    """Return what identifies a cause: what holds the memory, or the line that makes it.

    Equal for every worker, thread, host and release of one environment. A collector that is off is
    one cause, whatever it leaves lying.
    """
    made = diagnosis.site.rpartition(":")[0] or diagnosis.endpoint
    what = of_any_thread(diagnosis.holder) or ("" if diagnosis.cause is Cause.CYCLES else made)
    return f"1/{diagnosis.cause}/{what}/{environment}"


def _may_be_held(diagnosis: Diagnosis, dossier: Dossier) -> bool:
    """Return whether a walk of the heap, which is asked for, may yet name what holds it."""
    asked = [one for one in dossier.lives if one.worker_id in diagnosis.workers[:1]]
    is_unwalked = not diagnosis.holder and diagnosis.trace is None
    is_open = diagnosis.cause in {Cause.CYCLES, Cause.NATIVE} and is_unwalked
    return (is_open or lacks_holder(diagnosis)) and any(map(is_walkable, asked))


def _is_urgent(growth: Finding) -> bool:
    """Return whether memory runs out too soon for anything to be waited for."""
    return growth.forecast is not None and growth.forecast.expected < SOON


def _is_told(diagnosis: Diagnosis, growth: Finding | None) -> bool:
    if diagnosis.cause is Cause.BUFFERED_RESPONSE:
        return True
    return diagnosis.is_leak and diagnosis.confidence >= (SURE if growth is None else LIKELY)


def _stops(diagnoses: Iterable[Diagnosis]) -> bool:
    """Return whether most of a growth is known to be no leak."""
    calm = {Cause.BOUNDED, Cause.RETENTION}
    return sum(one.part for one in diagnoses if one.cause in calm) >= ACCOUNTED


def _with_open_cause(growth: Finding, dossier: Dossier, diagnoses: Sequence[Diagnosis]) -> Finding:
    """Return *growth* with what is known of it, although that names no cause."""
    best = next((one for one in diagnoses if one.cause is Cause.UNKNOWN), None)
    if best is None:
        return growth
    return replace(growth, diagnosis=best, explanation=explain(best, dossier))


def _without_growth(diagnosis: Diagnosis, members: Sequence[Worker], now: Micros) -> Finding:
    """Return a finding that rests on evidence alone: memory does not show it yet."""
    growth = _told_by_evidence(diagnosis)
    concerned = [one for one in members if one.id in diagnosis.workers and one.is_alive(now)]
    living = sum(one.is_alive(now) for one in members)
    scope = Scope.ONE if len(concerned) == 1 and living > 1 else Scope.SOME
    return Finding(
        fingerprint="",
        title="",
        scope=Scope.ALL if concerned and len(concerned) == living else scope,
        because="",
        suspects=tuple(findings.suspect(one, now, growth) for one in concerned),
        slope=growth.slope,
        axis=growth.axis,
        peers=0,
        peer_slope=0.0,
        forecast=None,
        release=max(concerned, key=lambda one: one.started_at).release if concerned else "",
    )


def _told_by_evidence(diagnosis: Diagnosis) -> Growth:
    """Return the growth that a holder amounts to; a total of 0 says that memory shows none."""
    return Growth(
        axis=Axis.REQUESTS,
        slope=diagnosis.bytes_per_request,
        low=0.0,
        high=0.0,
        z=0.0,
        rises=0.0,
        last=0.0,
        total=0,
        span=0.0,
    )
