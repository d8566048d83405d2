"""What a project that floods may have: so much of each kind, and the rest is counted."""

from dataclasses import replace
from itertools import count
from typing import Any

import msgspec
import pytest
from tests.support.events import payload
from tests.support.pipeline_harness import PipelineHarness, report, token
from tests.support.protocol_values import sample

from bugsly_server.clock import DAY
from bugsly_server.model.project_limits import (
    ENVIRONMENTS_REASON,
    OTHER_ENVIRONMENTS,
    RELEASES_REASON,
    STARTS_PER_WORKER,
    TAGS_REASON,
    WORKERS_REASON,
    ProjectLimits,
)
from bugsly_server.store.meta import (
    environments,
    error_issues,
    groupings,
    release_sessions,
    releases,
    workers,
)
from bugsly_server.store.ports import SpoolEntry

ENTRY_IDS = count(1)


def limited(desk: PipelineHarness, **limits: int) -> PipelineHarness:
    desk.limits = ProjectLimits(**limits)
    desk.start()
    return desk


def digest(desk: PipelineHarness, kind: str, *payloads: bytes) -> None:
    entries = [SpoolEntry(desk.shop, desk.clock(), kind, one, next(ENTRY_IDS)) for one in payloads]
    desk.pipeline.digest(entries)


def sessions_of(release: str, environment: str = "production") -> bytes:
    attributes = {"release": release, "environment": environment}
    return msgspec.json.encode({"attrs": attributes, "aggregates": [{"exited": 1}]})


@pytest.mark.parametrize("kind", ["event", "memory", "sessions"])
def test_releases_beyond_the_limit_are_not_listed(desk: PipelineHarness, kind: str) -> None:
    makers: dict[str, Any] = {
        "event": lambda n: payload(n, release=f"r{n}"),
        "memory": lambda n: report([sample(1)], id=token(n), release=f"r{n}"),
        "sessions": lambda n: sessions_of(f"r{n}"),
    }
    limited(desk, releases=10)
    digest(desk, kind, *(makers[kind](number) for number in range(1, 31)))
    with desk.database.reading() as connection:
        assert releases.count(connection, desk.shop) == 10
        listed = release_sessions.list_releases(connection, desk.shop, 0)
    assert sum(one.health.sessions for one in listed) == (10 if kind == "sessions" else 0)
    assert desk.skipped()[RELEASES_REASON] == 20


@pytest.mark.parametrize("kind", ["event", "memory", "sessions"])
def test_environments_beyond_the_limit_are_one(desk: PipelineHarness, kind: str) -> None:
    makers: dict[str, Any] = {
        "event": lambda n: payload(n, environment=f"e{n % 9}"),
        "memory": lambda n: report([sample(1)], id=token(n), environment=f"e{n % 9}"),
        "sessions": lambda n: sessions_of("1.0", f"e{n % 9}"),
    }
    limited(desk, environments=3)
    for number in range(1, 10):
        digest(desk, kind, makers[kind](number))
    desk.tend()
    desk.start()
    digest(desk, kind, makers[kind](10))
    with desk.database.reading() as connection:
        assert environments.names(connection, desk.shop) == {"e1", "e2", "e3"}
        living = workers.list_living(connection, desk.shop)
    if kind == "memory":
        found = {one.environment for one in living}
        assert found == {"e1", "e2", "e3", OTHER_ENVIRONMENTS}
    assert desk.skipped()[ENVIRONMENTS_REASON] == 6


def test_workers_beyond_the_limit_are_not_kept(desk: PipelineHarness) -> None:
    limited(desk, workers=5)
    desk.digest(*(report([sample(1)], id=token(number)) for number in range(1, 9)))
    desk.digest(report([sample(2)], id=token(1)), report([sample(1)], id=token(9)))
    assert sorted(desk.workers()) == [token(number) for number in range(1, 6)]
    assert desk.worker(1).samples == 2
    assert desk.skipped()[WORKERS_REASON] == 4


def test_workers_that_start_and_end_all_day_are_limited_too(desk: PipelineHarness) -> None:
    limited(desk, workers=1)
    for number in range(1, STARTS_PER_WORKER + 11):
        desk.digest(report([sample(1)], id=token(number)))
        with desk.database.writing() as connection:
            for living in workers.list_living(connection, desk.shop):
                workers.record_end(connection, replace(living, ended_at=living.seen_at))
        if number == STARTS_PER_WORKER - 5:
            desk.tend()
            desk.start()
    assert len(desk.workers()) == STARTS_PER_WORKER
    assert desk.skipped()[WORKERS_REASON] == 10
    desk.clock.advance(DAY)
    desk.digest(report([sample(1)], id=token(90)))
    assert token(90) in desk.workers()


def test_tags_beyond_the_limit_are_not_counted(desk: PipelineHarness) -> None:
    limited(desk, tags=10)
    users = [payload(n, user={"id": f"u{n}"}, release="1.0") for n in range(1, 31)]
    digest(desk, "event", *users[:20])
    desk.tend()
    desk.start()
    digest(desk, "event", *users[20:])
    with desk.database.reading() as connection:
        assert groupings.count_tags(connection, desk.shop) == 10
        (error,) = error_issues.list_unresolved(connection, desk.shop, 9)
    assert (error.count, error.users) == (30, 8)
    assert desk.skipped()[TAGS_REASON] == 22 + 2
