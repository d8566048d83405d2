"""Identifies this worker in every report and with every error, and numbers it among its siblings."""

from __future__ import annotations

import os
import platform
import uuid
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from bugsly import __version__
from bugsly.probes import process
from bugsly.protocol.event import EventOrigin
from bugsly.protocol.memory import WorkerInfo

if TYPE_CHECKING:
    from bugsly.settings import AgentSettings


def new_worker_id() -> str:
    """Return the id of a worker, 32 hexadecimal digits never given twice."""
    return uuid.uuid4().hex


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerIdentity:
    """One worker, as its master or the process itself sees it; the fields are the wire's."""

    id: str = field(default_factory=new_worker_id)
    server: str = ""
    parent: int = 0
    number: int = 0
    generation: int = 0


def describe_worker(identity: WorkerIdentity, settings: AgentSettings) -> WorkerInfo:
    """Return this process, which stands at *identity*."""
    return WorkerInfo(
        pid=os.getpid(),
        host=settings.server_name,
        machine=process.machine(),
        age=process.age(),
        every=int(settings.sample_every * 1_000_000),
        release=settings.release,
        environment=settings.environment,
        python=platform.python_version(),
        **asdict(identity),
    )


def event_origin(settings: AgentSettings) -> EventOrigin:
    """Return where its errors come from."""
    return EventOrigin(
        release=settings.release,
        environment=settings.environment,
        server_name=settings.server_name,
        version=__version__,
    )
