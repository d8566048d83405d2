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


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerIdentity:
    """One worker, its place among its siblings as `WorkerInfo` tells it, and its secret."""

    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    server: str = ""
    parent: int = 0
    number: int = 0
    generation: int = 0
    secret: str = field(default_factory=lambda: os.urandom(16).hex(), repr=False)
    """Proves to the server that a report is this worker's; it stands in no report."""


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
        **{name: value for name, value in asdict(identity).items() if name != "secret"},
    )


def event_origin(settings: AgentSettings) -> EventOrigin:
    """Return what is the same in all events of this process."""
    return EventOrigin(
        release=settings.release,
        environment=settings.environment,
        server_name=settings.server_name,
        version=__version__,
    )
