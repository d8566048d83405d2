"""Builds what belongs to one process: its probes, outbox, sampler, sender and recycler."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from bugsly.integrations.wsgi import CURRENT_REQUEST
from bugsly.outbox import Outbox
from bugsly.probe_requests import ProbeRunner
from bugsly.probes.allocation_window import AllocationWindowProbe
from bugsly.probes.census import Census, CensusSchedule
from bugsly.probes.census.census_roots import applications_by_name
from bugsly.probes.connection_pool import PoolProbe
from bugsly.probes.counted_holders import rising_count_probes
from bugsly.probes.errors import ErrorReporter
from bugsly.probes.errors.event_encoder import encode_without_secrets
from bugsly.probes.errors.scope import ScopeFinder
from bugsly.probes.heap_probe import HeapProbe
from bugsly.probes.holder_registry import HolderRegistry
from bugsly.probes.malloc_trim import trim_memory
from bugsly.probes.probe_budget import ProbeBudget
from bugsly.probes.source_reader import read_sources
from bugsly.probes.surviving_requests import MAX_PENDING_SECONDS, SurvivingRequests
from bugsly.probes.tracemalloc_tracer import TracemallocTracer
from bugsly.probes.traffic import TrafficProbe
from bugsly.protocol.evidence import ProbeResult
from bugsly.protocol.memory import encode_report
from bugsly.recycle.ports import RecyclingSettings
from bugsly.recycle.recycler import Recycler
from bugsly.sampler import Sampler, SamplerProbes
from bugsly.sender import Sender, SenderCallbacks
from bugsly.settings import ProbeLevel
from bugsly.worker_identity import describe_worker, event_origin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bugsly.guard import Guards
    from bugsly.probe_requests import ExpensiveProbe
    from bugsly.probes.allocation_window import AllocationTracer
    from bugsly.probes.errors.error_reporter import AgentCallbacks
    from bugsly.probes.holder_registry import HolderProbe
    from bugsly.protocol.event import CapturedEvent
    from bugsly.protocol.evidence import ProbeRequest
    from bugsly.protocol.memory import Exit
    from bugsly.protocol.safety_net import RecyclerReport
    from bugsly.recycle.ports import RecyclingAgent
    from bugsly.recycle.worker_controller import WorkerController
    from bugsly.sender import EncodeReport
    from bugsly.settings import AgentSettings
    from bugsly.worker_identity import WorkerIdentity

    ListApplications = Callable[[], list[object]]
    """Returns the WSGI applications that this process serves."""

PROBES_OFF = (
    "this worker is set not to run expensive probes (BUGSLY_PROBES={})"
    " → set BUGSLY_PROBES=all in the app, or run bugsly doctor"
)
MIN_SURVIVED_SAMPLES = 5
"""Samples after which a request that is still alive is reported, where samples are frequent."""


class WorkerParts:
    """The parts of one process. What starts a thread is built when the thread is wanted."""

    def __init__(
        self,
        settings: AgentSettings,
        guards: Guards,
        callbacks: AgentCallbacks,
        applications: ListApplications,
    ) -> None:
        self._settings = settings
        self._guards = guards
        self._applications = applications
        self.outbox = Outbox()
        self.traffic = TrafficProbe()
        self.pool = PoolProbe()
        self.survivors = SurvivingRequests(
            min(MAX_PENDING_SECONDS, MIN_SURVIVED_SAMPLES * settings.sample_every)
        )
        self.error_reporter = ErrorReporter(
            self.outbox.events,
            ScopeFinder(CURRENT_REQUEST.get),
            callbacks,
            guards("errors"),
            send_locals=settings.send_locals,
        )
        self._window_probe = AllocationWindowProbe(self.traffic, new_tracer)
        self._heap_probe = HeapProbe(self.traffic, applications)
        self._probe_budget = ProbeBudget()

    def build_sampler(self, wake_sender: Callable[[], None]) -> Sampler:
        """Return a sampler of all probes that measure at every sample."""
        interval = self._settings.sample_every
        probes: dict[str, HolderProbe] = {}
        schedule = None
        if self._settings.probes is not ProbeLevel.OFF:
            census = Census(self._applications)
            schedule = CensusSchedule(census, interval)
            probes = {"census": census, "pool": self.pool, "survivors": self.survivors}
            probes |= rising_count_probes(self._guards)
        sampler_probes = SamplerProbes(self.traffic, HolderRegistry(probes, self._guards), schedule)
        return Sampler(interval, sampler_probes, self.outbox, wake_sender, self._guards)

    def build_sender(self, identity: WorkerIdentity, encode_worker_report: EncodeReport) -> Sender:
        """Return a sender of the outbox that runs the expensive probes the server requests."""
        probe_runner = ProbeRunner(
            self._expensive_probes(), self._probe_budget, self.outbox.evidence, self._guards
        )
        return Sender(
            self._settings.dsn,
            self.outbox,
            SenderCallbacks(encode_worker_report, self._encode_event, probe_runner.put),
            self._guards("sender"),
            {"worker": identity.id, "secret": identity.secret},
        )

    def build_recycler(
        self, agent: RecyclingAgent, controller: WorkerController
    ) -> Recycler | None:
        """Return the recycler of this worker, None where the user wants none."""
        settings = self._settings
        if settings.recycle_at is None:
            return None
        recycling = RecyclingSettings(
            threshold=settings.recycle_at,
            min_age_seconds=settings.recycle_age,
            max_per_hour=settings.recycles_per_hour,
            group=f"{settings.dsn} {settings.environment}",
        )
        return Recycler(agent, controller, recycling)

    def encode_report(
        self,
        identity: WorkerIdentity,
        samples: Iterable[bytes],
        exits: Iterable[Exit],
        recycler: RecyclerReport | None,
    ) -> bytes:
        """Return the payload of one report: *samples* and *exits*, what was lost, and evidence."""
        return encode_report(
            describe_worker(identity, self._settings),
            samples,
            exits,
            {reason: count for reason, count in self._lost_counts().items() if count},
            self.outbox.evidence.peek(),
            recycler,
        )

    def put_final_snapshot(self) -> None:
        """Put into the outbox what this worker holds, where it may and can be read quickly."""
        if self._settings.probes is not ProbeLevel.ALL:
            return
        with self._guards("heap.part"):
            self.outbox.evidence.put_final_snapshot(self._heap_probe.take_final_snapshot())

    def close_probes(self) -> None:
        """End the expensive probe that is running, if one is."""
        self._window_probe.close()
        self._heap_probe.close()

    def _lost_counts(self) -> dict[str, int]:
        failures = dict(self._guards.failures)
        events = self.outbox.events
        return {
            **{f"failed in {place}": count for place, count in failures.items()},
            "samples dropped, outbox full": self.outbox.dropped,
            "samples refused by the server": self.outbox.refused,
            "errors held back, too many at once": self.error_reporter.rate_limited,
            "errors dropped, outbox full": events.dropped,
            "errors refused by the server": events.refused,
        }

    def _encode_event(self, event: CapturedEvent) -> bytes | None:
        with self._guards("errors.finish"):
            return encode_without_secrets(event, event_origin(self._settings))
        return None

    def _expensive_probes(self) -> dict[str, ExpensiveProbe]:
        """Return the probes that run only when the server requests them, by their names there."""
        probes: dict[str, ExpensiveProbe] = {
            "source": self._read_sources,
            "trim": trim_memory,
            "window": self._window_probe.trace_window,
            "heap": self._heap_probe.compare_snapshots,
        }
        is_on = self._settings.probes is ProbeLevel.ALL
        return probes if is_on else dict.fromkeys(probes, self._refuse)

    def _refuse(self, request: ProbeRequest) -> ProbeResult:
        problem = PROBES_OFF.format(self._settings.probes.value)
        return ProbeResult(ask=request.id, problem=problem)

    def _read_sources(self, request: ProbeRequest) -> ProbeResult:
        apps = applications_by_name(self._applications())
        return read_sources(request, apps, with_libraries=self._settings.library_sources)


def new_tracer() -> AllocationTracer:
    """Return memray if the app has it: it also traces what C code allocates."""
    if find_spec("memray") is not None:
        from bugsly.integrations.memray import MemrayTracer

        return MemrayTracer()
    return TracemallocTracer()
