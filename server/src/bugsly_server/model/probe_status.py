"""What a worker was asked for, and how far that has come."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bugsly.protocol.evidence import ProbeRequest
from bugsly_server.clock import Micros


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
