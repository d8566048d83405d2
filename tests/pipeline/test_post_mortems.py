"""What is reported about the last minutes of a worker that was killed."""

from typing import Any

import pytest
from sqlalchemy import Connection
from tests.support.diagnoses import diagnosis
from tests.support.issues import change, finding
from tests.support.pipeline_harness import PipelineHarness, report, token
from tests.support.protocol_values import MB, traffic
from tests.support.simulated_workers import SimulatedWorker, advance_time

from bugsly.protocol.memory import EndpointInFlight, Exit, ExitReason
from bugsly_server.clock import MINUTE
from bugsly_server.issue_changes import record_leak_change
from bugsly_server.model.issue import Issue, IssueChangeKind
from bugsly_server.model.json_facts import post_mortem_facts
from bugsly_server.model.post_mortem import PostMortem
from bugsly_server.store import post_mortems
from bugsly_server.store.meta import leak_issues

SERVED = (
    traffic("GET /orders", requests=190, biggest=4_000),
    traffic("GET /report", requests=10, biggest=40 * MB),
)


def report_killed_worker(
    desk: PipelineHarness, reason: ExitReason, minutes: int = 15, **sample_facts: Any
) -> None:
    """Let worker 1 serve until its master reports, through its sibling, how it was killed."""
    victim, sibling = (SimulatedWorker(desk, number, environment="production") for number in (1, 2))
    victim.bytes_per_request = 5_000.0
    for _ in range(minutes * 6):
        desk.clock.advance(10_000_000)
        machine = {"used": 3_900 * MB, "limit": 4_000 * MB, "traffic": SERVED}
        desk.digest(
            victim.payload(**{**machine, "in_flight": 3, **sample_facts}), sibling.payload()
        )
    note = Exit(worker=token(1), reason=reason, signal=9)
    age = desk.clock() - sibling._started_at
    desk.digest(report(exits=[note], age=age, **sibling._facts))


def post_mortem_of(desk: PipelineHarness, number: int = 1) -> PostMortem | None:
    with desk.database.reading() as connection:
        return post_mortems.of_worker(connection, desk.telemetry, desk.worker(number))


def open_issue(desk: PipelineHarness, **changes: Any) -> Issue:
    seen = finding(environment="production", **changes)
    with desk.database.writing() as connection:
        step = change(finding=seen, at=desk.clock())
        return record_leak_change(connection, desk.shop, None, step)


def open_issue_elsewhere(desk: PipelineHarness, connection: Connection) -> Issue:
    """Return a leak of another environment."""
    seen = finding(environment="staging", fingerprint="1/growing/staging")
    step = change(finding=seen, at=desk.clock())
    return record_leak_change(connection, desk.shop, None, step)


def deaths(desk: PipelineHarness, issue: Issue) -> list[int]:
    with desk.database.reading() as connection:
        post_mortems_found = post_mortems.of_issue(connection, desk.telemetry, issue, desk.clock())
    return [one.worker.pid for one in post_mortems_found]


def test_it_has_memory_requests_in_flight_and_the_biggest_response(desk: PipelineHarness) -> None:
    report_killed_worker(desk, ExitReason.OUT_OF_MEMORY)
    dead = post_mortem_of(desk)
    assert dead is not None
    assert dead.span == 10 * MINUTE
    assert [one.endpoint for one in dead.served] == ["GET /report", "GET /orders"]
    assert dead.because == (
        "killed by the kernel for lack of memory at 190 MB, +59 MB in its last 10 min; "
        "3.9 GB of 4 GB were in use there; 3 requests in flight; "
        "its biggest response was 40 MB of GET /report"
    )


@pytest.mark.parametrize(
    ("under_way", "expected"),
    [
        ([("GET /report", 1, 28)], "GET /report for 28 s and 2 more"),
        (
            [("GET /report", 2, 90), ("GET /", 1, 0)],
            "2 × GET /report for 1.5 min, GET / for less than 1 s",
        ),
        ([("GET /", 1, 28)] * 4, "GET / for 28 s, GET / for 28 s, GET / for 28 s"),
    ],
)
def test_it_names_what_was_in_flight_at_its_last_report(
    desk: PipelineHarness, under_way: list[tuple[str, int, int]], expected: str
) -> None:
    said = tuple(
        EndpointInFlight(endpoint=name, requests=requests, micros=seconds * 1_000_000)
        for name, requests, seconds in under_way
    )
    report_killed_worker(desk, ExitReason.TIMEOUT, minutes=1, under_way=said)
    dead = post_mortem_of(desk)
    assert dead is not None
    assert f"; in flight when it was last heard of: {expected}; " in dead.because
    killed_facts = post_mortem_facts(dead)
    assert killed_facts["exit_reason"] == "timeout"
    assert killed_facts["because"] == dead.because
    assert [(one["endpoint"], one["seconds"]) for one in killed_facts["in_flight"]] == [
        (name, seconds) for name, _, seconds in under_way
    ]


def test_of_a_young_worker_it_shows_the_whole_lifetime(desk: PipelineHarness) -> None:
    report_killed_worker(desk, ExitReason.TIMEOUT, minutes=2)
    dead = post_mortem_of(desk)
    assert dead is not None
    assert dead.span <= 2 * MINUTE + 1_000_000
    assert dead.because.startswith("silent for longer than Gunicorn's timeout, and killed for it")


@pytest.mark.parametrize(
    ("holder", "site", "kept"),
    [
        ("shop.views.log", "shop/views.py:12", "`shop.views.log` kept its memory"),
        (None, "shop/views.py:12", "`shop/views.py:12` kept its memory"),
    ],
)
def test_the_holder_is_the_one_of_the_leak_known_at_that_time(
    desk: PipelineHarness, holder: str | None, site: str, kept: str
) -> None:
    leak = open_issue(desk, diagnosis=diagnosis(holder=holder, site=site))
    report_killed_worker(desk, ExitReason.OUT_OF_MEMORY, minutes=2)
    dead = post_mortem_of(desk)
    assert dead is not None
    assert dead.issue is not None
    assert dead.issue.id == leak.id
    assert dead.because.endswith(kept)


@pytest.mark.parametrize("reason", [ExitReason.RECYCLED, ExitReason.TERMINATED])
def test_a_worker_that_was_not_killed_has_no_post_mortem(
    desk: PipelineHarness, reason: ExitReason
) -> None:
    report_killed_worker(desk, reason, minutes=1)
    assert post_mortem_of(desk) is None


def test_the_story_of_a_leak_has_those_that_were_killed_while_it_was_open(
    desk: PipelineHarness,
) -> None:
    leak = open_issue(desk)
    report_killed_worker(desk, ExitReason.OUT_OF_MEMORY, minutes=1)
    assert deaths(desk, leak) == [1]
    advance_time(desk, MINUTE, SimulatedWorker(desk, 9, environment="staging"))
    with desk.database.writing() as connection:
        (known,) = [one for one in leak_issues.list_all(connection, desk.shop) if one.id == leak.id]
        later = open_issue_elsewhere(desk, connection)
        step = change(IssueChangeKind.RESOLVED, at=desk.clock())
        resolved = record_leak_change(connection, desk.shop, known, step)
    assert deaths(desk, resolved) == [1]
    assert deaths(desk, later) == []
