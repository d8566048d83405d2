from dataclasses import replace
from typing import Any

import pytest
from tests.support.clock import START

from bugsly.protocol.evidence import ModuleSource, ProbeRequest, ProbeResult, TrimResult
from bugsly_server.clock import DAY, MINUTE, SECOND
from bugsly_server.model.probe_status import ProbeRequestState
from bugsly_server.model.worker import Worker
from bugsly_server.store.meta import probe_requests, projects, workers
from bugsly_server.store.meta.database import Database

WINDOW_REQUEST = ProbeRequest(id=0, probe="window", requests=300)
TRIM_REQUEST = ProbeRequest(id=0, probe="trim")
SOURCE_REQUEST = ProbeRequest(id=0, probe="source", files=("/app/shop/views.py",))
TRIMMED = TrimResult(before=9, after=5)


def add(database: Database, slug: str, *tokens: str) -> list[Worker]:
    with database.writing() as connection:
        project = projects.ensure(connection, slug, START).id
        stated: dict[str, Any] = {"started_at": START, "seen_at": START, "judged_at": START}
        workers.add(connection, project, dict.fromkeys(tokens, stated))
        found = workers.find_by_tokens(connection, project, tokens)
    return [found[token] for token in tokens]


def request_probe(
    database: Database, worker: Worker, probe_request: ProbeRequest, at: int = START
) -> int | None:
    with database.writing() as connection:
        asked = probe_requests.add(connection, worker, probe_request, at)
    return None if asked is None else asked.request.id


def settle(database: Database, worker: Worker, answer: ProbeResult, at: int = START) -> bool:
    with database.writing() as connection:
        return probe_requests.save_result(connection, worker.id, answer, at)


def states(database: Database, project_id: int) -> list[tuple[str, ProbeRequestState]]:
    with database.reading() as connection:
        return [
            (one.request.probe, one.state)
            for one in probe_requests.list_open(connection, project_id)
        ]


def test_what_is_asked_waits_for_its_worker(database: Database) -> None:
    (worker,) = add(database, "shop", "a")
    key = request_probe(database, worker, WINDOW_REQUEST)
    with database.reading() as connection:
        (waits,) = probe_requests.list_unsent(connection)
    assert (waits.project_id, waits.token, waits.worker_id) == (worker.project_id, "a", worker.id)
    assert waits.request == ProbeRequest(id=key or 0, probe="window", requests=300)


@pytest.mark.parametrize("second", [WINDOW_REQUEST, TRIM_REQUEST, ProbeRequest(id=0, probe="heap")])
def test_one_worker_of_a_project_at_a_time_is_slowed_down(
    database: Database, second: ProbeRequest
) -> None:
    first, other = add(database, "shop", "a", "b")
    (stranger,) = add(database, "billing", "c")
    key = request_probe(database, first, WINDOW_REQUEST)
    assert request_probe(database, other, second) is None
    assert request_probe(database, first, TRIM_REQUEST) is None
    assert request_probe(database, stranger, second) is not None
    assert request_probe(database, other, SOURCE_REQUEST) is not None
    assert settle(database, first, ProbeResult(ask=key or 0, problem="no"))
    assert request_probe(database, other, second) is not None


def test_nothing_is_asked_twice_at_once_nor_too_much(database: Database) -> None:
    (worker,) = add(database, "shop", "a")
    assert request_probe(database, worker, SOURCE_REQUEST) is not None
    assert request_probe(database, worker, SOURCE_REQUEST) is None
    more = [ProbeRequest(id=0, probe="source", files=(f"{n}.py",)) for n in range(9)]
    assert [request_probe(database, worker, one) is not None for one in more] == [True] * 3 + [
        False
    ] * 6


def test_an_ask_is_open_until_it_is_answered(database: Database) -> None:
    (worker,) = add(database, "shop", "a")
    key = request_probe(database, worker, TRIM_REQUEST) or 0
    assert states(database, worker.project_id) == [("trim", ProbeRequestState.ASKED)]
    with database.writing() as connection:
        probe_requests.mark_sent(connection, [key], START + SECOND)
        assert probe_requests.list_unsent(connection) == []
    assert states(database, worker.project_id) == [("trim", ProbeRequestState.SENT)]
    assert settle(database, worker, ProbeResult(ask=key, trim=TRIMMED))
    assert states(database, worker.project_id) == []


def test_an_ask_that_is_not_answered_expires_after_five_minutes(database: Database) -> None:
    (worker,) = add(database, "shop", "a")
    key = request_probe(database, worker, TRIM_REQUEST) or 0
    with database.writing() as connection:
        assert probe_requests.expire(connection, START + 5 * MINUTE - 1) == 0
        assert probe_requests.expire(connection, START + 5 * MINUTE) == 1
        assert probe_requests.expire(connection, START + 6 * MINUTE) == 0
    assert states(database, worker.project_id) == []
    assert not settle(database, worker, ProbeResult(ask=key, trim=TRIMMED))


def test_only_the_worker_that_was_asked_answers_and_only_once(database: Database) -> None:
    worker, other = add(database, "shop", "a", "b")
    answer = ProbeResult(ask=request_probe(database, worker, TRIM_REQUEST) or 0, trim=TRIMMED)
    assert not settle(database, other, answer)
    assert not settle(database, worker, ProbeResult(ask=answer.ask + 1, trim=TRIMMED))
    assert settle(database, worker, answer)
    assert not settle(database, worker, answer)


def test_answers_come_back_in_the_order_they_came_without_text(database: Database) -> None:
    (worker,) = add(database, "shop", "a")
    source, trim = (
        request_probe(database, worker, SOURCE_REQUEST) or 0,
        request_probe(database, worker, TRIM_REQUEST) or 0,
    )
    read = ModuleSource(file="a.py", module="a", text="x = 1")
    settle(database, worker, ProbeResult(ask=trim, trim=TRIMMED), START + 1)
    settle(database, worker, ProbeResult(ask=source, sources=(read,)), START + 2)
    bare = ProbeResult(ask=source, sources=(ModuleSource(file="a.py", module="a"),))
    with database.reading() as connection:
        results = probe_requests.results(connection, [worker.id, 99])
        past = probe_requests.list_answered_since(connection, worker.project_id, START + 2)
    assert results == {worker.id: [ProbeResult(ask=trim, trim=TRIMMED), bare], 99: []}
    assert [(one.request.probe, one.state, answer) for one, answer in past] == [
        ("source", ProbeRequestState.ANSWERED, bare)
    ]


def test_a_probe_that_told_nothing_was_asked_for_in_vain(database: Database) -> None:
    worker, other = add(database, "shop", "a", "b")
    heap, trim = ProbeRequest(id=0, probe="heap"), ProbeRequest(id=0, probe="trim")
    refused = ProbeResult(
        ask=request_probe(database, worker, heap) or 0, problem="too little memory is free"
    )
    assert settle(database, worker, refused)
    assert settle(
        database, worker, ProbeResult(ask=request_probe(database, worker, trim) or 0, trim=TRIMMED)
    )
    assert request_probe(database, other, heap) is not None
    with database.writing() as connection:
        assert probe_requests.failed_probes(connection, [worker.id, other.id]) == {
            worker.id: {"heap"},
            other.id: set(),
        }
        probe_requests.expire(connection, START + 6 * MINUTE)
        assert probe_requests.failed_probes(connection, [other.id]) == {other.id: {"heap"}}


def test_asks_go_with_their_worker(database: Database) -> None:
    (worker,) = add(database, "shop", "a")
    request_probe(database, worker, TRIM_REQUEST)
    with database.writing() as connection:
        assert workers.delete_before(connection, START + 1) == 1
        assert probe_requests.list_unsent(connection) == []


def test_a_request_from_before_the_clock_was_set_back_is_given_up(database: Database) -> None:
    (worker,) = add(database, "shop", "a")
    request_probe(database, worker, WINDOW_REQUEST, START + 400 * DAY)
    with database.writing() as connection:
        assert probe_requests.expire(connection, START) == 1


def test_why_a_worker_was_not_probed_is_known_until_it_is(database: Database) -> None:
    (worker,) = add(database, "shop", "a")
    for answer in (ProbeResult(ask=0, problem="not now"), ProbeResult(ask=0, problem="never")):
        key = request_probe(database, worker, TRIM_REQUEST)
        assert settle(database, worker, replace(answer, ask=key or 0))
    assert problems(database, worker) == {"trim": "never"}
    key = request_probe(database, worker, TRIM_REQUEST)
    assert settle(database, worker, ProbeResult(ask=key or 0, trim=TRIMMED))
    assert problems(database, worker) == {}


def problems(database: Database, worker: Worker) -> dict[str, str]:
    with database.reading() as connection:
        return probe_requests.latest_problems(connection, [worker.id])[worker.id]


def test_what_a_person_requests_is_the_same_request(database: Database) -> None:
    (worker,) = add(database, "shop", "a")
    assert request_probe(database, worker, SOURCE_REQUEST)
    assert request_probe(database, worker, replace(SOURCE_REQUEST, by_hand=True)) is None
