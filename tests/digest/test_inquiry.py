"""When a growth is told, with its cause or without, and when a cause is told without a growth."""

from typing import Any

import pytest
from tests.support.desk import Desk
from tests.support.reporting import STEP, Reporting, kinds, let_pass
from tests.support.values import MB, holder, traffic

from bugsly.protocol.evidence import Ask, Evidence, Holder, Level
from bugsly_server.clock import MINUTE, Micros
from bugsly_server.detect import finding as findings
from bugsly_server.inquiry import PATIENCE, SOON, Inquiry
from bugsly_server.model.diagnosis import Cause
from bugsly_server.model.issue import Finding
from bugsly_server.model.worker import Worker
from bugsly_server.store.meta import channels, workers

LOG = "shop.views.log"
HEAVY = holder(LOG, entry_bytes=7_000, entry="dict")
WEIGHTLESS = holder("threads started at shop/views.py:9", kind="thread", entry="thread")
ALIVE = holder("requests alive after they ended", kind="survivor", entry="request", file="")


class Holding(Reporting):
    """A worker whose log gains an entry with every request from sample *begins* to *ends*."""

    def __init__(
        self,
        desk: Desk,
        number: int,
        per_request: float = 0.0,
        begins: int = 0,
        ends: int = 9_999,
        held: Holder = HEAVY,
    ) -> None:
        super().__init__(desk, number, per_request, evidence=Evidence(holders=(held,)))
        self.begins, self.ends, self.held = begins, ends, held

    def payload(self, **changes: Any) -> bytes:
        number = self.samples + 1
        entries = 200 * (min(number, self.ends) - self.begins)
        seen = () if number < self.begins else (Level(holder=self.held.name, count=entries),)
        served = traffic("GET /orders", requests=200)
        return super().payload(levels=seen, traffic=(served,), **changes)


class Pressed(Reporting):
    """A worker in a container that holds little more than it has already."""

    def payload(self, **changes: Any) -> bytes:
        used = round(100 * MB + self.per_request * 200 * (self.samples + 1))
        return super().payload(used=used, limit=400 * MB, **changes)


def members(desk: Desk) -> list[Worker]:
    with desk.database.reading() as connection:
        return workers.living(connection, desk.shop)


class Asked:
    """Inquires on its own, and notes what it would have asked for."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.asks: list[str] = []
        self.inquiry = Inquiry(desk.database, desk.telemetry, self._note)

    def _note(self, _worker: Worker, ask: Ask, _now: Micros) -> None:
        self.asks.append(ask.probe)

    def found(self) -> list[Finding]:
        return self.inquiry.find(self.desk.shop, members(self.desk), self.desk.clock())


def until_it_grows(desk: Desk, fleet: list[Reporting]) -> None:
    """Let time pass until detection first speaks of a growth."""
    for _ in range(100):
        if findings.find(members(desk), desk.clock()):
            return
        let_pass(desk, STEP, *fleet)
    pytest.fail("it never grew")


def fleet_of(first: Reporting) -> list[Reporting]:
    return [first, *(Reporting(first.desk, number) for number in (2, 3, 4))]


def test_a_growth_without_a_cause_waits_for_one_and_is_then_told(desk: Desk) -> None:
    fleet = fleet_of(Reporting(desk, 1, 7_000.0))
    until_it_grows(desk, fleet)
    let_pass(desk, PATIENCE - STEP, *fleet)
    assert kinds(desk) == []
    let_pass(desk, 3 * STEP, *fleet)
    assert kinds(desk) == ["opened"]
    told = desk.told[0][0].finding
    assert told.diagnosis is None or told.diagnosis.cause is Cause.UNKNOWN


def test_a_growth_that_fills_memory_soon_does_not_wait(desk: Desk) -> None:
    fleet = fleet_of(Pressed(desk, 1, 14_000.0))
    until_it_grows(desk, fleet)
    let_pass(desk, STEP, *fleet)
    found = findings.find(members(desk), desk.clock())[0]
    assert found.forecast is not None
    assert found.forecast.expected < SOON
    assert kinds(desk) == ["opened"]


def test_a_growth_with_a_cause_is_told_with_its_cause(desk: Desk) -> None:
    let_pass(desk, 6 * MINUTE, *fleet_of(Holding(desk, 1, 7_000.0)))
    assert kinds(desk) == ["opened"]
    diagnosis = desk.told[0][0].finding.diagnosis
    assert diagnosis is not None
    assert (diagnosis.cause, diagnosis.holder) == (Cause.GROWING_CONTAINER, LOG)
    assert diagnosis.endpoint == "GET /orders"


def test_a_cause_that_is_found_later_takes_the_open_issue_over_and_is_told_once(
    desk: Desk,
) -> None:
    fleet = fleet_of(Holding(desk, 1, 7_000.0, begins=40))
    let_pass(desk, 6 * MINUTE, *fleet)
    assert kinds(desk) == ["opened"]
    let_pass(desk, 20 * MINUTE, *fleet)
    assert kinds(desk) == ["opened", "cause found"]
    assert desk.told[0][0].id == desk.told[1][0].id
    assert desk.told[1][0].title == f"{LOG} grows with every GET /orders request"


def test_evidence_alone_is_told_when_it_was_seen_again_with_more(desk: Desk) -> None:
    asked = Asked(desk)
    worker = Holding(desk, 1)
    let_pass(desk, 3 * MINUTE, worker)
    assert asked.found() == []
    assert asked.found() == []
    let_pass(desk, 2 * STEP, worker)
    assert asked.found() == []
    let_pass(desk, MINUTE, worker)
    (found,) = asked.found()
    assert (found.title, found.suspects[0].total) == (
        f"{LOG} grows with every GET /orders request",
        0,
    )


@pytest.mark.parametrize("held", [HEAVY, WEIGHTLESS], ids=["heavy", "weightless"])
def test_evidence_that_goes_no_further_is_not_told(desk: Desk, held: Holder) -> None:
    asked = Asked(desk)
    worker = Holding(desk, 1, ends=18, held=held)
    let_pass(desk, 3 * MINUTE, worker)
    assert asked.found() == []
    for _ in range(30):
        let_pass(desk, STEP, worker)
        assert asked.found() == []


def test_a_cause_without_its_source_waits_for_it_a_while(desk: Desk) -> None:
    asked = Asked(desk)
    worker = Holding(desk, 1)
    let_pass(desk, 3 * MINUTE, worker)
    asked.found()
    assert asked.asks == ["source"]


def test_what_is_left_behind_waits_for_the_walk_that_may_name_its_holder(desk: Desk) -> None:
    asked = Asked(desk)
    worker = Holding(desk, 1, held=ALIVE)
    let_pass(desk, 3 * MINUTE, worker)
    assert asked.found() == []
    assert "heap" in asked.asks
    let_pass(desk, PATIENCE - STEP, worker)
    assert asked.found() == []
    let_pass(desk, 2 * STEP, worker)
    (found,) = asked.found()
    assert found.diagnosis is not None
    assert found.diagnosis.holder == ALIVE.name


def test_cycles_wait_for_the_walk_that_may_say_which(desk: Desk) -> None:
    off = Evidence(facts={"gc_enabled": 0})
    fleet = fleet_of(Reporting(desk, 1, 7_000.0, evidence=off))
    until_it_grows(desk, fleet)
    let_pass(desk, PATIENCE - STEP, *fleet)
    assert kinds(desk) == []
    let_pass(desk, 3 * STEP, *fleet)
    assert kinds(desk) == ["opened"]
    told = desk.told[0][0].finding.diagnosis
    assert told is not None
    assert told.cause is Cause.CYCLES


def test_a_wasteful_endpoint_opens_an_issue_and_alerts_nobody(desk: Desk) -> None:
    with desk.database.writing() as connection:
        channels.add(connection, desk.shop, "webhook", "ops", "http://hook.test", desk.clock())
    worker = Reporting(desk, 1)
    large = traffic("GET /export", requests=9, whole=50_000_000, biggest=50_000_000)
    for _ in range(12):
        desk.clock.advance(STEP)
        desk.digest(worker.payload(traffic=(large,)))
    assert kinds(desk) == ["opened"]
    diagnosis = desk.told[0][0].finding.diagnosis
    assert diagnosis is not None
    assert diagnosis.cause is Cause.BUFFERED_RESPONSE
    with desk.database.reading() as connection:
        assert channels.due(connection, desk.clock() + MINUTE, 9) == []
