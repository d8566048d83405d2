"""The `memory` item: what one worker says about its own memory and traffic.

The same types are encoded here and decoded by the server; docs/protocol.md describes them.
Sizes are bytes, times are microseconds. No wall clock travels: an `age` counts from the start of
the process on a clock that never jumps, and the server, which knows when the report arrived,
turns ages into moments.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from bugsly.protocol.evidence import Evidence, HolderCount
from bugsly.protocol.safety_net import RecyclerReport

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ITEM_TYPE = "memory"
VERSION = 1


class ExitReason(str, Enum):
    """Why a worker's life ended."""

    MAX_REQUESTS = "max_requests"
    """It served as many requests as Gunicorn's max_requests allows."""
    RECYCLED = "recycled"
    """Its private memory passed the limit of the safety net, or was about to."""
    RELOAD = "reload"
    """A newer generation replaced it, after a HUP to Gunicorn."""
    TERMINATED = "terminated"
    """SIGTERM: a shutdown, or fewer workers wanted."""
    QUIT = "quit"
    """SIGINT or SIGQUIT."""
    TIMEOUT = "timeout"
    """It was silent for longer than Gunicorn's timeout and was aborted."""
    OUT_OF_MEMORY = "out_of_memory"
    """SIGKILL, and the cgroup counted a kill by the kernel's OOM killer."""
    KILLED = "killed"
    """SIGKILL, and the OOM killer was not seen."""
    CRASHED = "crashed"
    """Another signal, or an exit code other than 0."""
    ORPHANED = "orphaned"
    """Its master went away."""
    FINISHED = "finished"
    """It ended by itself, with exit code 0."""
    VANISHED = "vanished"
    """Never sent: the server's word for a worker that fell silent without saying why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerInfo:
    """Who is speaking: one process, from its start to its exit."""

    id: str
    """32 hexadecimal digits, made anew for every process: a reused pid is another worker."""
    pid: int
    host: str
    machine: str
    """Tells two hosts of one name apart."""
    age: int
    """Microseconds since the process started, at the moment the report is sent."""
    every: int = 10_000_000
    """Microseconds between two of its samples, so that silence can be told from patience."""
    server: str = ""
    """What runs the app, as `gunicorn 27.0.1 gthread`."""
    parent: int = 0
    """Pid of the master, 0 where there is none."""
    number: int = 0
    """The how-manieth worker of its master this is; Gunicorn calls it age."""
    generation: int = 0
    """How often the master had been reloaded when it forked this worker."""
    release: str = ""
    environment: str = ""
    python: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledTraffic:
    """What one endpoint served since the sample before."""

    endpoint: str
    """Method and rule, as `GET /items/<int:id>`; never a path, so their number is bounded."""
    requests: int
    client_errors: int = 0
    server_errors: int = 0
    micros: int = 0
    sent: int = 0
    """Response bytes."""
    biggest: int = 0
    """Bytes of the biggest response."""
    whole: int = 0
    """Bytes of the biggest body that was handed over in one piece, where it is worth a look."""
    streamed: int = 0
    """Responses that came in several pieces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointInFlight:
    """Requests of one endpoint that were being answered at the moment of a sample."""

    endpoint: str
    requests: int
    micros: int
    """For how long the oldest of them had been."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A worker's memory at one moment."""

    number: int
    """1, 2, 3 … in the worker's life: a repeated number is a repeated sample."""
    age: int
    anonymous: int
    """Private memory, swapped out or not: what only the end of the process surely gives back."""
    shared: int = 0
    """Resident file-backed and shared memory."""
    swapped: int = 0
    peak: int = 0
    """Highest resident size so far."""
    proportional: int | None = None
    """PSS, read at a low rate: its cost grows with the heap."""
    descriptors: int = 0
    threads: int = 0
    requests: int = 0
    """Requests answered since the worker started."""
    in_flight: int = 0
    under_way: tuple[EndpointInFlight, ...] = ()
    """Which those are, the longest first, a few endpoints."""
    used: int = 0
    """Memory in use where the limit applies: the cgroup, else the host."""
    limit: int = 0
    """Bytes of that limit; 0 when unknown."""
    oom_kills: int = 0
    """Processes the kernel has killed in this cgroup for want of memory."""
    traffic: tuple[SampledTraffic, ...] = ()
    levels: tuple[HolderCount, ...] = ()
    """What the growing holders hold now."""
    in_use: int = 0
    """Bytes the C allocator has given out and not got back; 0 where it does not tell."""
    held: int = 0
    """Bytes the C allocator has from the kernel, in use or not."""
    blocks: int | None = None
    """Blocks of Python's own allocator, read at a low rate: its cost grows with the heap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """The end of a worker, told by itself or by its master."""

    worker: str
    reason: ExitReason
    signal: int = 0
    code: int = 0
    because: str = ""
    """Of a recycled worker: why, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryReport:
    """The payload of one `memory` item."""

    version: int
    worker: WorkerInfo
    samples: tuple[Sample, ...] = ()
    exits: tuple[Exit, ...] = ()
    evidence: Evidence | None = None
    lost: dict[str, int] = field(default_factory=dict)
    """What this worker could not report, counted by reason since its start."""
    net: RecyclerReport | None = None
    """Not sent where the safety net is off."""


def encode_sample(sample: Sample) -> bytes:
    """Return *sample* as compact JSON, without the fields that stand at their default."""
    return _compact_json(asdict(sample), keep=frozenset({"number", "age", "anonymous"}))


def encode_report(
    worker: WorkerInfo,
    samples: Iterable[bytes],
    exits: Iterable[Exit],
    lost: Mapping[str, int],
    evidence: Evidence | None = None,
    net: RecyclerReport | None = None,
) -> bytes:
    """Return the payload that carries *samples*, each already encoded by `encode_sample`."""
    head = json.dumps({"version": VERSION, "worker": asdict(worker)}, separators=(",", ":"))
    trailing_fields: dict[str, object] = {
        "exits": [asdict(one) for one in exits],
        "lost": dict(lost),
    }
    if evidence is not None:
        trailing_fields["evidence"] = asdict(evidence)
    if net is not None:
        trailing_fields["net"] = asdict(net)
    tail = json.dumps(trailing_fields, separators=(",", ":"))
    return b'%s,"samples":[%s],%s' % (head[:-1].encode(), b",".join(samples), tail[1:].encode())


def _compact_json(fields: dict[str, object], keep: frozenset[str]) -> bytes:
    stated = {name: value for name, value in fields.items() if name in keep or value}
    return json.dumps(stated, separators=(",", ":")).encode()
