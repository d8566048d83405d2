"""Gauges of SDKs named `process.memory.*` become the memory of a worker."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.support.clock import START
from tests.support.pipeline_harness import PipelineHarness, pipeline_harness

from bugsly_server.clock import MINUTE, SECOND
from bugsly_server.decode.memory_report import decode_report
from bugsly_server.ingest.memory_gauges import reports_from_gauges
from bugsly_server.model.worker import Worker
from bugsly_server.store.meta import probe_requests, workers
from bugsly_server.store.ports import SpoolEntry

MB = 1_000_000
WRONG_CLOCK = 7 * 86_400 * SECOND


@pytest.fixture
def running(tmp_path: Path) -> Iterator[PipelineHarness]:
    with pipeline_harness(tmp_path) as made:
        yield made


def gauge(at: int = START, size: float = 70 * MB, pid: object = 42, **changes: Any) -> Any:
    attributes = {
        "process.pid": pid,
        "server.address": "web-1",
        "sentry.release": "1.0",
        "sentry.environment": "staging",
    }
    metric = {
        "timestamp": at / SECOND,
        "name": "process.memory.rss",
        "type": "gauge",
        "unit": "byte",
        "value": size,
        "attributes": {key: {"value": value} for key, value in attributes.items()},
    }
    return metric | changes


def item(*gauges: Any) -> bytes:
    return msgspec.json.encode({"version": 2, "items": gauges})


def digest(desk: PipelineHarness, *gauges: Any) -> None:
    skipped: Counter[str] = Counter()
    reports = reports_from_gauges(item(*gauges), desk.clock(), skipped)
    assert not skipped
    desk.pipeline.digest([SpoolEntry(desk.shop, desk.clock(), "memory", one) for one in reports])
    desk.pipeline.detect(desk.clock())


def living_workers(desk: PipelineHarness) -> list[Worker]:
    with desk.database.reading() as connection:
        return workers.list_living(connection, desk.shop)


def test_a_process_becomes_a_worker_with_a_series(running: PipelineHarness) -> None:
    for size in (70, 71, 72):
        digest(running, gauge(running.clock(), size * MB), gauge(running.clock(), 50 * MB, 43))
        running.clock.advance(MINUTE)
    named, other = sorted(living_workers(running), key=lambda worker: worker.pid)
    assert (named.name, named.release, named.environment) == ("web-1 pid 42", "1.0", "staging")
    assert (named.anonymous, other.anonymous) == (72 * MB, 50 * MB)
    points = running.telemetry.points([named.id], START, running.clock(), 99)[named.id]
    assert [point.last for point in points] == [70 * MB, 71 * MB, 72 * MB]


def test_a_process_that_grows_for_hours_opens_an_issue(running: PipelineHarness) -> None:
    for number in range(300):
        digest(running, gauge(running.clock(), 70 * MB + number * 300_000))
        running.clock.advance(MINUTE)
    assert [change.kind for _, change in running.announced] == ["opened"]
    issue, _ = running.announced[0]
    assert issue.finding.axis == "hour"
    with running.database.reading() as connection:
        assert probe_requests.list_unsent(connection) == []


def test_the_clock_of_the_client_does_not_matter() -> None:
    late = START + WRONG_CLOCK
    body = item(gauge(late - 5 * SECOND, 1 * MB), gauge(late, 2 * MB))
    (report,) = reports_from_gauges(body, START, Counter())
    read = decode_report(report, Counter())
    sent = START - read.worker.age
    assert [sent + one.age for one in read.samples] == [START - 5 * SECOND, START]
    assert [one.number for one in read.samples] == [
        (START - 5 * SECOND) // 1_000,
        START // 1_000,
    ]


@pytest.mark.parametrize(
    ("changes", "size"),
    [
        ({"unit": "megabyte"}, 70 * MB * MB),
        ({"unit": "kibibyte"}, 70 * MB * 1_024),
        ({"unit": None}, 70 * MB),
        ({"name": "process.memory.private"}, 70 * MB),
    ],
)
def test_units_and_names_of_memory_are_understood(changes: dict[str, Any], size: int) -> None:
    (report,) = reports_from_gauges(item(gauge(**changes)), START, Counter())
    assert [one.anonymous for one in decode_report(report, Counter()).samples] == [size]


@pytest.mark.parametrize(
    "metric",
    [
        gauge(name="orders"),
        gauge(name="process.memory.heap_used"),
        gauge(pid=None),
        gauge(pid="x"),
        gauge(size=-1),
        gauge(size=1e300),
        gauge(unit="second"),
        gauge(timestamp="soon"),
        gauge(attributes=7),
        {},
    ],
)
def test_other_metrics_are_counted_and_left_out(metric: Any) -> None:
    skipped: Counter[str] = Counter()
    assert reports_from_gauges(item(metric), START, skipped) == []
    assert skipped == {"metric that is no process's memory, not kept": 1}


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"items": 7}', b'{"items": [7]}', b"\xff"])
def test_a_payload_without_metrics_does_no_harm(body: bytes) -> None:
    assert reports_from_gauges(body, START, Counter()) == []
