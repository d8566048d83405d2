"""Where doctor gets its diagnoses from: detection, diagnosis and probes as in production."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from bugsly_server.clock import Micros
from bugsly_server.detect import finding as findings
from bugsly_server.diagnose.asking import Wanted, wanted
from bugsly_server.diagnose.diagnose import diagnose
from bugsly_server.explain.explain import explain
from bugsly_server.model.diagnosis import Diagnosis, Explanation
from bugsly_server.model.worker import Worker
from bugsly_server.store import dossier as dossiers
from bugsly_server.store.ports import Telemetry

Found = tuple[Diagnosis, Explanation]


class Diagnosed(NamedTuple):
    """What is known, and what would help to know more."""

    found: tuple[Found, ...]
    wanted: tuple[Wanted, ...]


def load(
    connection: Connection, telemetry: Telemetry, members: Sequence[Worker], now: Micros
) -> Diagnosed:
    """Return what is known of why *members*, the workers of one run, grow."""
    if not members:
        return Diagnosed((), ())
    growing = {suspect.worker_id for one in findings.find(members, now) for suspect in one.suspects}
    dossier = dossiers.load(connection, telemetry, members, now)
    diagnoses = diagnose(dossier, growing)
    found = tuple((one, explain(one, dossier)) for one in diagnoses)
    return Diagnosed(found, tuple(wanted(dossier, diagnoses)))
