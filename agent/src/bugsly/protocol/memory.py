"""The `memory` item: what one worker reports of its memory and traffic.

The types are encoded here and decoded by the server; docs/protocol.md describes them. Sizes are
bytes, times are microseconds. No wall clock is sent: an `age` counts from the start of the process
on a clock that never jumps. The server knows when the report arrived, and computes the times.
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
    """Why a worker ended."""

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
    """SIGKILL, and no kill by the OOM killer was counted."""
    CRASHED = "crashed"
    """Another signal, or an exit code other than 0."""
    ORPHANED = "orphaned"
    """Its master went away."""
    FINISHED = "finished"
    """It ended by itself, with exit code 0."""
    VANISHED = "vanished"
    """Never sent: the server records it for a worker that fell silent without a reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerInfo:
    """The worker that reports: one process, from its start to its exit."""

    id: str
    """32 hexadecimal digits, new for every process: a reused pid is another worker."""
    pid: int
    host: str
    machine: str
    """Distinguishes two hosts of the same name."""
    age: int
    """Microseconds since the process started, at the moment the report is sent."""
    every: int = 10_000_000
    """Microseconds between two of its samples, so that the server can detect silence."""
    server: str = ""
    """What runs the app, as `gunicorn 27.0.1 gthread`."""
    parent: int = 0
    """Pid of the master, 0 where there is none."""
    number: int = 0
    """Counts the workers of its master from 1; Gunicorn calls it age."""
    generation: int = 0
    """How often the master was reloaded before it forked this worker."""
    release: str = ""
    environment: str = ""
    python: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledTraffic:
    """What one endpoint served since the previous sample."""

    endpoint: str
    """Method and rule, as `GET /items/<int:id>`; never a path, so their number is bounded."""
    requests: int
    client_errors: int = 0
    server_errors: int = 0
    micros: int = 0
    sent: int = 0
    """Response bytes."""
    biggest: int = 0
    """Bytes of the largest response."""
    whole: int = 0
    """Bytes of the largest body that was passed in one chunk; 0 where that is small."""
    streamed: int = 0
    """Responses that came in several chunks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointInFlight:
    """Requests of one endpoint that were in progress at the moment of a sample."""

    endpoint: str
    requests: int
    micros: int
    """How long the oldest of them had been in progress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A worker's memory and traffic at one moment."""

    number: int
    """Counts the samples of the worker from 1: a repeated number is a repeated sample."""
    age: int
    anonymous: int
    """Private memory, swapped out or not: only the end of the process surely frees it."""
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
    """The requests in flight by endpoint, a few endpoints, the longest first."""
    used: int = 0
    """Memory in use where the limit applies: the cgroup, else the host."""
    limit: int = 0
    """Bytes of that limit; 0 when unknown."""
    oom_kills: int = 0
    """Processes that the OOM killer has killed in this cgroup."""
    traffic: tuple[SampledTraffic, ...] = ()
    levels: tuple[HolderCount, ...] = ()
    """The current counts of growing holders."""
    in_use: int = 0
    """Bytes allocated from the C allocator and not freed; 0 where it does not report them."""
    held: int = 0
    """Bytes the C allocator has from the kernel, in use or not."""
    blocks: int | None = None
    """Blocks of Python's own allocator, read at a low rate: its cost grows with the heap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """The end of a worker, reported by itself or by its master."""

    worker: str
    reason: ExitReason
    signal: int = 0
    code: int = 0
    because: str = ""
    """Why a worker was recycled, in words."""
    secret: str = field(default="", repr=False)
    """Of the worker that ended, where its master reports it; empty where it reports itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryReport:
    """The payload of one `memory` item."""

    version: int
    worker: WorkerInfo
    samples: tuple[Sample, ...] = ()
    exits: tuple[Exit, ...] = ()
    evidence: Evidence | None = None
    lost: dict[str, int] = field(default_factory=dict)
    """What this worker could not report: counts by reason since its start."""
    net: RecyclerReport | None = None
    """Not sent where the safety net is off."""


def encode_sample(sample: Sample) -> bytes:
    """Return *sample* as compact JSON, without fields that have their default."""
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
