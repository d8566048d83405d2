"""What a worker was asked for, and how far that has come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from bugsly.protocol.evidence import ProbeRequest
from bugsly_server.clock import Micros

PROBE_NAMES = {
    "heap": "a walk of its heap",
    "window": "an allocation window",
    "trim": "a trim",
    "source": "the source of its modules",
}
"""What a worker is asked for, in words."""


class ProbeRequestState(StrEnum):
    """How far an ask has come."""

    ASKED = "asked"
    """It waits for the worker's next report."""
    SENT = "sent"
    ANSWERED = "answered"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeRequestStatus:
    """An ask, and the worker that it is for."""

    request: ProbeRequest
    project_id: int
    worker_id: int
    token: str
    """The id by which the worker calls itself."""
    secret_hash: str | None
    """Of the secret of the worker; None where it has none."""
    state: ProbeRequestState
    asked_at: Micros
    sent_at: Micros | None


def problem_texts(pid: int, problems: Mapping[str, str]) -> list[str]:
    """Return a sentence for each probe of *problems* that the worker *pid* had no result of."""
    return [
        f"worker {pid} was asked for {PROBE_NAMES.get(probe, probe)}: {problem}"
        for probe, problem in problems.items()
    ]
