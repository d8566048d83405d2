from dataclasses import replace
from typing import Any

import pytest
from tests.support.clock import START
from tests.support.stored_workers import MB, judgement_of

from bugsly.protocol.memory import ExitReason
from bugsly_server.clock import DAY, MINUTE
from bugsly_server.model.growth import GrowthVerdict
from bugsly_server.model.worker import Worker
from bugsly_server.store.meta import projects, workers
from bugsly_server.store.meta.database import Database


@pytest.fixture
def project(database: Database) -> int:
    with database.writing() as connection:
        return projects.ensure(connection, "shop", START).id


def add(database: Database, project: int, *tokens: str, **facts: Any) -> list[Worker]:
    with database.writing() as connection:
        stated = {"started_at": START, "seen_at": START, "judged_at": START} | facts
        workers.add(connection, project, dict.fromkeys(tokens, stated))
        found = workers.find_by_tokens(connection, project, tokens)
    return [found[token] for token in tokens]


def test_a_worker_is_known_by_its_token_within_its_project(
    database: Database, project: int
) -> None:
    (added,) = add(database, project, "a", host="web-1", pid=7)
    assert (added.host, added.pid, added.samples, added.exit_reason) == ("web-1", 7, 0, None)
    assert added.judgement.verdict is GrowthVerdict.EARLY
    with database.reading() as connection:
        assert workers.get(connection, project, added.id) == added
        assert workers.get(connection, project + 1, added.id) is None
        assert workers.find_by_tokens(connection, project + 1, ["a"]) == {}


def test_thousands_are_found_in_one_go(database: Database, project: int) -> None:
    tokens = [f"{number:032x}" for number in range(2_500)]
    assert [one.id for one in add(database, project, *tokens)] == list(range(1, 2_501))
    with database.reading() as connection:
        strangers = [f"{number:032x}" for number in range(70_000)]
        assert len(workers.find_by_tokens(connection, project, strangers)) == 2_500


def test_what_a_report_a_look_and_an_end_change_is_stored_each_by_itself(
    database: Database, project: int
) -> None:
    first, second = add(database, project, "a", "b")
    grown = replace(first, anonymous=99 * MB, samples=3, rate=1.5, lost={"dropped": 2})
    growing = judgement_of(GrowthVerdict.GROWING, 7_000)
    looked = replace(first, judgement=growing, hits=2, judged_requests=400, judged_at=START + 1)
    killed = replace(first, ended_at=START + 2, exit_reason=ExitReason.KILLED, exit_signal=9)
    with database.writing() as connection:
        workers.update_from_reports(connection, [grown])
        workers.update_judgements(connection, [looked])
        workers.record_end(connection, killed)
        found = workers.find_by_tokens(connection, project, ["a", "b"])
    assert found["a"] == replace(
        grown,
        judgement=growing,
        hits=2,
        judged_requests=400,
        judged_at=START + 1,
        ended_at=START + 2,
        exit_reason=ExitReason.KILLED,
        exit_signal=9,
    )
    assert found["b"] == second


def test_the_living_and_the_ended_are_told_apart(database: Database, project: int) -> None:
    first, second, third = add(database, project, "a", "b", "c")
    with database.writing() as connection:
        for ended, minute in ((first, 1), (second, 2)):
            workers.record_end(connection, replace(ended, ended_at=START + minute * MINUTE))
        assert [one.id for one in workers.list_living(connection, project)] == [third.id]
        latest = workers.list_ended(connection, project, START, 1)
        since = workers.list_ended(connection, project, START + 2 * MINUTE, 9)
    assert [one.id for one in latest] == [one.id for one in since] == [second.id]


def test_the_id_of_a_forgotten_worker_is_not_given_again(database: Database, project: int) -> None:
    (old,) = add(database, project, "a")
    with database.writing() as connection:
        assert workers.delete_before(connection, START + DAY) == 1
    (new,) = add(database, project, "b", seen_at=START + 2 * DAY)
    assert new.id > old.id
    with database.writing() as connection:
        assert workers.delete_before(connection, START + DAY) == 0


def test_a_project_has_a_thousand_endpoints_at_most(database: Database, project: int) -> None:
    names = [f"GET /{number:04}" for number in range(1_500)]
    with database.writing() as connection:
        first = workers.ensure_endpoints(connection, project, {}, names[:10])
        ids = workers.ensure_endpoints(connection, project, first, [*names, "x" * 301])
        stored = workers.endpoint_names(connection, project)
    assert sorted(ids) == names[:1_000]
    assert {name: key for key, name in stored.items()} == ids
    assert first.items() <= ids.items()
