"""Diagnoses a run of doctor: detection, diagnosis and probes as in production."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from bugsly_server.clock import Micros
from bugsly_server.detect.growth_detection import is_surely_growing
from bugsly_server.diagnose.diagnose import diagnose
from bugsly_server.diagnose.probe_planning import PlannedProbe, plan_probes
from bugsly_server.explain.leak_explanation import explain_leak
from bugsly_server.model.diagnosis import Diagnosis
from bugsly_server.model.explanation import Explanation
from bugsly_server.model.worker import Worker
from bugsly_server.store import leak_evidence as evidence_store
from bugsly_server.store.ports import Telemetry

ExplainedDiagnosis = tuple[Diagnosis, Explanation]


class RunDiagnosis(NamedTuple):
    """What is known about a run, and the probes that would show more."""

    diagnoses: tuple[ExplainedDiagnosis, ...]
    probes: tuple[PlannedProbe, ...]


def diagnose_run(
    connection: Connection, telemetry: Telemetry, members: Sequence[Worker], now: Micros
) -> RunDiagnosis:
    """Return what is known about why *members*, the workers of one run, grow.

    Production waits for a quarter of an hour before it calls a worker growing, because a cache
    that fills looks the same; here the evidence is requested at once, and decides alone.
    """
    if not members:
        return RunDiagnosis((), ())
    growing = {one.id for one in members if is_surely_growing(one)}
    evidence = evidence_store.load(connection, telemetry, members, now)
    diagnoses = diagnose(evidence, growing)
    found = tuple((one, explain_leak(one, evidence)) for one in diagnoses)
    return RunDiagnosis(found, tuple(plan_probes(evidence, diagnoses)))
