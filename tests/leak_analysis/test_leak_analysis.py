"""When a growth is told, with its cause or without, and when a cause is told without a growth."""

from typing import Any

import pytest
from tests.support.pipeline_harness import PipelineHarness
from tests.support.protocol_values import MB, holder, traffic
from tests.support.simulated_workers import (
    SAMPLE_INTERVAL,
    SimulatedWorker,
    advance_time,
    change_kinds,
)

from bugsly.protocol.evidence import Evidence, Holder, HolderCount, ProbeRequest
from bugsly_server.clock import MINUTE, Micros
from bugsly_server.detect import growth_detection as findings
from bugsly_server.detect.leak_reporting import CAUSE_PATIENCE, URGENT_SECONDS
from bugsly_server.leak_analysis import LeakAnalysis
from bugsly_server.model.diagnosis import Cause
from bugsly_server.model.issue import Finding
from bugsly_server.model.worker import Worker
from bugsly_server.store.meta import channels, workers

LOG = "shop.views.log"
HEAVY_HOLDER = holder(LOG, entry_bytes=7_000, entry="dict")
WEIGHTLESS_HOLDER = holder("threads started at shop/views.py:9", kind="thread", entry="thread")
SURVIVING_REQUESTS = holder(
    "requests alive after they ended", kind="survivor", entry="request", file=""
)


class HolderWorker(SimulatedWorker):
    """A worker whose log gains an entry with every request from sample *begins* to *ends*."""

    def __init__(
        self,
        desk: PipelineHarness,
        number: int,
        per_request: float = 0.0,
        begins: int = 0,
        ends: int = 9_999,
        held: Holder = HEAVY_HOLDER,
    ) -> None:
        super().__init__(desk, number, per_request, evidence=Evidence(holders=(held,)))
        self.begins, self.ends, self.held = begins, ends, held

    def payload(self, **changes: Any) -> bytes:
        number = self.samples + 1
        entries = 200 * (min(number, self.ends) - self.begins)
        seen = () if number < self.begins else (HolderCount(holder=self.held.name, count=entries),)
        served = traffic("GET /orders", requests=200)
        return super().payload(levels=seen, traffic=(served,), **changes)


class NearLimitWorker(SimulatedWorker):
    """A worker in a container that holds little more than it has already."""

    def payload(self, **changes: Any) -> bytes:
        used = round(100 * MB + self.bytes_per_request * 200 * (self.samples + 1))
        return super().payload(used=used, limit=400 * MB, **changes)


def living_workers(desk: PipelineHarness) -> list[Worker]:
    with desk.database.reading() as connection:
        return workers.list_living(connection, desk.shop)


class RecordingAnalysis:
    """Inquires on its own, and notes what it would have asked for."""

    def __init__(self, desk: PipelineHarness) -> None:
        self.desk = desk
        self.requested_probes: list[str] = []
        self.leak_analysis = LeakAnalysis(desk.database, desk.telemetry, self._record_request)

    def _record_request(self, _worker: Worker, probe_request: ProbeRequest, _now: Micros) -> None:
        self.requested_probes.append(probe_request.probe)

    def findings(self) -> list[Finding]:
        return self.leak_analysis.find_leaks(
            self.desk.shop, living_workers(self.desk), self.desk.clock()
        )


def advance_until_growth(desk: PipelineHarness, fleet: list[SimulatedWorker]) -> None:
    """Let time pass until detection first speaks of a growth."""
    for _ in range(100):
        if findings.find_growth(living_workers(desk), desk.clock()):
            return
        advance_time(desk, SAMPLE_INTERVAL, *fleet)
    pytest.fail("it never grew")


def fleet_with(first: SimulatedWorker) -> list[SimulatedWorker]:
    return [first, *(SimulatedWorker(first.desk, number) for number in (2, 3, 4))]


def test_a_growth_without_a_cause_waits_for_one_and_is_then_reported(desk: PipelineHarness) -> None:
    fleet = fleet_with(SimulatedWorker(desk, 1, 7_000.0))
    advance_until_growth(desk, fleet)
    advance_time(desk, CAUSE_PATIENCE - SAMPLE_INTERVAL, *fleet)
    assert change_kinds(desk) == []
    advance_time(desk, 3 * SAMPLE_INTERVAL, *fleet)
    assert change_kinds(desk) == ["opened"]
    told = desk.announced[0][0].finding
    assert told.diagnosis is None or told.diagnosis.cause is Cause.UNKNOWN


def test_a_growth_that_fills_memory_soon_does_not_wait(desk: PipelineHarness) -> None:
    fleet = fleet_with(NearLimitWorker(desk, 1, 14_000.0))
    advance_until_growth(desk, fleet)
    advance_time(desk, SAMPLE_INTERVAL, *fleet)
    found = findings.find_growth(living_workers(desk), desk.clock())[0]
    assert found.forecast is not None
    assert found.forecast.expected < URGENT_SECONDS
    assert change_kinds(desk) == ["opened"]


def test_a_growth_with_a_cause_is_reported_with_it(desk: PipelineHarness) -> None:
    advance_time(desk, 6 * MINUTE, *fleet_with(HolderWorker(desk, 1, 7_000.0)))
    assert change_kinds(desk) == ["opened"]
    diagnosis = desk.announced[0][0].finding.diagnosis
    assert diagnosis is not None
    assert (diagnosis.cause, diagnosis.holder_name) == (Cause.GROWING_CONTAINER, LOG)
    assert diagnosis.attribution.endpoint == "GET /orders"


def test_a_cause_that_is_found_later_takes_over_the_open_issue_and_is_reported_once(
    desk: PipelineHarness,
) -> None:
    fleet = fleet_with(HolderWorker(desk, 1, 7_000.0, begins=40))
    advance_time(desk, 6 * MINUTE, *fleet)
    assert change_kinds(desk) == ["opened"]
    advance_time(desk, 20 * MINUTE, *fleet)
    assert change_kinds(desk) == ["opened", "cause found"]
    assert desk.announced[0][0].id == desk.announced[1][0].id
    assert desk.announced[1][0].title == f"{LOG} grows with every GET /orders request"


def test_evidence_alone_is_reported_when_it_is_seen_again_with_more_entries(
    desk: PipelineHarness,
) -> None:
    asked = RecordingAnalysis(desk)
    worker = HolderWorker(desk, 1)
    advance_time(desk, 3 * MINUTE, worker)
    assert asked.findings() == []
    assert asked.findings() == []
    advance_time(desk, 2 * SAMPLE_INTERVAL, worker)
    assert asked.findings() == []
    advance_time(desk, MINUTE, worker)
    (found,) = asked.findings()
    assert (found.title, found.suspects[0].total) == (
        f"{LOG} grows with every GET /orders request",
        0,
    )


@pytest.mark.parametrize("held", [HEAVY_HOLDER, WEIGHTLESS_HOLDER], ids=["heavy", "weightless"])
def test_evidence_that_stops_growing_is_not_reported(desk: PipelineHarness, held: Holder) -> None:
    asked = RecordingAnalysis(desk)
    worker = HolderWorker(desk, 1, ends=18, held=held)
    advance_time(desk, 3 * MINUTE, worker)
    assert asked.findings() == []
    for _ in range(30):
        advance_time(desk, SAMPLE_INTERVAL, worker)
        assert asked.findings() == []


def test_a_cause_without_its_source_waits_for_it_a_while(desk: PipelineHarness) -> None:
    asked = RecordingAnalysis(desk)
    worker = HolderWorker(desk, 1)
    advance_time(desk, 3 * MINUTE, worker)
    asked.findings()
    assert asked.requested_probes == ["source"]


def test_a_symptom_waits_for_the_walk_that_may_name_its_holder(
    desk: PipelineHarness,
) -> None:
    asked = RecordingAnalysis(desk)
    worker = HolderWorker(desk, 1, held=SURVIVING_REQUESTS)
    advance_time(desk, 3 * MINUTE, worker)
    assert asked.findings() == []
    assert "heap" in asked.requested_probes
    advance_time(desk, CAUSE_PATIENCE - SAMPLE_INTERVAL, worker)
    assert asked.findings() == []
    advance_time(desk, 2 * SAMPLE_INTERVAL, worker)
    (found,) = asked.findings()
    assert found.diagnosis is not None
    assert found.diagnosis.holder_name == SURVIVING_REQUESTS.name


def test_cycles_wait_for_the_walk_that_may_say_which(desk: PipelineHarness) -> None:
    off = Evidence(facts={"gc_enabled": 0})
    fleet = fleet_with(SimulatedWorker(desk, 1, 7_000.0, evidence=off))
    advance_until_growth(desk, fleet)
    advance_time(desk, CAUSE_PATIENCE - SAMPLE_INTERVAL, *fleet)
    assert change_kinds(desk) == []
    advance_time(desk, 3 * SAMPLE_INTERVAL, *fleet)
    assert change_kinds(desk) == ["opened"]
    told = desk.announced[0][0].finding.diagnosis
    assert told is not None
    assert told.cause is Cause.CYCLES


def test_a_wasteful_endpoint_opens_an_issue_and_alerts_nobody(desk: PipelineHarness) -> None:
    with desk.database.writing() as connection:
        channels.add(connection, desk.shop, "webhook", "ops", "http://hook.test", desk.clock())
    worker = SimulatedWorker(desk, 1)
    large = traffic("GET /export", requests=9, whole=50_000_000, biggest=50_000_000)
    for _ in range(12):
        desk.clock.advance(SAMPLE_INTERVAL)
        desk.digest(worker.payload(traffic=(large,)))
    assert change_kinds(desk) == ["opened"]
    diagnosis = desk.announced[0][0].finding.diagnosis
    assert diagnosis is not None
    assert diagnosis.cause is Cause.BUFFERED_RESPONSE
    with desk.database.reading() as connection:
        assert channels.list_due(connection, desk.clock() + MINUTE, 9) == []
