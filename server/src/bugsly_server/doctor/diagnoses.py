"""Where doctor gets its diagnoses from: detection, diagnosis and probes as in production."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from bugsly_server.clock import Micros
from bugsly_server.detect.finding import surely_grows
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
    """Return what is known of why *members*, the workers of one run, grow.

    Production waits for a quarter of an hour before it calls a worker growing, because a cache
    that fills looks the same; here the evidence is asked for at once, and decides alone.
    """
    if not members:
        return Diagnosed((), ())
    growing = {one.id for one in members if surely_grows(one)}
    dossier = dossiers.load(connection, telemetry, members, now)
    diagnoses = diagnose(dossier, growing)
    found = tuple((one, explain(one, dossier)) for one in diagnoses)
    return Diagnosed(found, tuple(wanted(dossier, diagnoses)))
