"""Identifies this worker in reports and errors, and numbers it among its siblings."""

from __future__ import annotations

import os
import platform
import uuid
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from bugsly.probes import process
from bugsly.protocol.event import EventOrigin
from bugsly.protocol.memory import WorkerInfo
from bugsly.version import __version__

if TYPE_CHECKING:
    from bugsly.settings import AgentSettings


def new_worker_id() -> str:
    """Return a new id of a worker, 32 hexadecimal digits."""
    return uuid.uuid4().hex


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerIdentity:
    """One worker and its place among its siblings; the fields are those of `WorkerInfo`."""

    id: str = field(default_factory=new_worker_id)
    server: str = ""
    parent: int = 0
    number: int = 0
    generation: int = 0


def describe_worker(identity: WorkerIdentity, settings: AgentSettings) -> WorkerInfo:
    """Return what reports say of this process, the worker of *identity*."""
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
    """Return what is the same in all events of this process."""
    return EventOrigin(
        release=settings.release,
        environment=settings.environment,
        server_name=settings.server_name,
        version=__version__,
    )
