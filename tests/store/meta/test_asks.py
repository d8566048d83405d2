from typing import Any

import pytest
from tests.support.clock import START

from bugsly.protocol.evidence import Answer, Ask, Source, Trim
from bugsly_server.clock import MINUTE, SECOND
from bugsly_server.model.asked import AskState
from bugsly_server.model.worker import Worker
from bugsly_server.store.meta import asks, projects, workers
from bugsly_server.store.meta.database import Database

WINDOW = Ask(id=0, probe="window", requests=300)
TRIM = Ask(id=0, probe="trim")
SOURCE = Ask(id=0, probe="source", files=("/app/shop/views.py",))
TRIMMED = Trim(before=9, after=5)


def add(database: Database, slug: str, *tokens: str) -> list[Worker]:
    with database.writing() as connection:
        project = projects.ensure(connection, slug, START).id
        stated: dict[str, Any] = {"started_at": START, "seen_at": START, "judged_at": START}
        workers.add(connection, project, dict.fromkeys(tokens, stated))
        found = workers.find(connection, project, tokens)
    return [found[token] for token in tokens]


def ask(database: Database, worker: Worker, wanted: Ask, at: int = START) -> int | None:
    with database.writing() as connection:
        asked = asks.add(connection, worker, wanted, at)
    return None if asked is None else asked.ask.id


def settle(database: Database, worker: Worker, answer: Answer, at: int = START) -> bool:
    with database.writing() as connection:
        return asks.settle(connection, worker.id, answer, at)


def states(database: Database, project_id: int) -> list[tuple[str, AskState]]:
    with database.reading() as connection:
        return [(one.ask.probe, one.state) for one in asks.open_(connection, project_id)]


def test_what_is_asked_waits_for_its_worker(database: Database) -> None:
    (worker,) = add(database, "shop", "a")
    key = ask(database, worker, WINDOW)
    with database.reading() as connection:
        (waits,) = asks.waiting(connection)
    assert (waits.project_id, waits.token, waits.worker_id) == (worker.project_id, "a", worker.id)
    assert waits.ask == Ask(id=key or 0, probe="window", requests=300)


@pytest.mark.parametrize("second", [WINDOW, TRIM, Ask(id=0, probe="heap")])
def test_one_worker_of_a_project_at_a_time_is_slowed_down(database: Database, second: Ask) -> None:
    first, other = add(database, "shop", "a", "b")
    (stranger,) = add(database, "billing", "c")
    key = ask(database, first, WINDOW)
    assert ask(database, other, second) is None
    assert ask(database, first, TRIM) is None
    assert ask(database, stranger, second) is not None
    assert ask(database, other, SOURCE) is not None
    assert settle(database, first, Answer(ask=key or 0, problem="no"))
    assert ask(database, other, second) is not None


def test_nothing_is_asked_twice_at_once_nor_too_much(database: Database) -> None:
    (worker,) = add(database, "shop", "a")
    assert ask(database, worker, SOURCE) is not None
    assert ask(database, worker, SOURCE) is None
    more = [Ask(id=0, probe="source", files=(f"{n}.py",)) for n in range(9)]
    assert [ask(database, worker, one) is not None for one in more] == [True] * 3 + [False] * 6


def test_an_ask_is_open_until_it_is_answered(database: Database) -> None:
    (worker,) = add(database, "shop", "a")
    key = ask(database, worker, TRIM) or 0
    assert states(database, worker.project_id) == [("trim", AskState.ASKED)]
    with database.writing() as connection:
        asks.sent(connection, [key], START + SECOND)
        assert asks.waiting(connection) == []
    assert states(database, worker.project_id) == [("trim", AskState.SENT)]
    assert settle(database, worker, Answer(ask=key, trim=TRIMMED))
    assert states(database, worker.project_id) == []


def test_an_ask_that_is_not_answered_expires_after_five_minutes(database: Database) -> None:
    (worker,) = add(database, "shop", "a")
    key = ask(database, worker, TRIM) or 0
    with database.writing() as connection:
        assert asks.expire(connection, START + 5 * MINUTE - 1) == 0
        assert asks.expire(connection, START + 5 * MINUTE) == 1
        assert asks.expire(connection, START + 6 * MINUTE) == 0
    assert states(database, worker.project_id) == []
    assert not settle(database, worker, Answer(ask=key, trim=TRIMMED))


def test_only_the_worker_that_was_asked_answers_and_only_once(database: Database) -> None:
    worker, other = add(database, "shop", "a", "b")
    answer = Answer(ask=ask(database, worker, TRIM) or 0, trim=TRIMMED)
    assert not settle(database, other, answer)
    assert not settle(database, worker, Answer(ask=answer.ask + 1, trim=TRIMMED))
    assert settle(database, worker, answer)
    assert not settle(database, worker, answer)


def test_answers_come_back_in_the_order_they_came_without_text(database: Database) -> None:
    (worker,) = add(database, "shop", "a")
    source, trim = ask(database, worker, SOURCE) or 0, ask(database, worker, TRIM) or 0
    read = Source(file="a.py", module="a", text="x = 1")
    settle(database, worker, Answer(ask=trim, trim=TRIMMED), START + 1)
    settle(database, worker, Answer(ask=source, sources=(read,)), START + 2)
    bare = Answer(ask=source, sources=(Source(file="a.py", module="a"),))
    with database.reading() as connection:
        told = asks.answers(connection, [worker.id, 99])
        past = asks.past(connection, worker.project_id, START + 2)
    assert told == {worker.id: [Answer(ask=trim, trim=TRIMMED), bare], 99: []}
    assert [(one.ask.probe, one.state, answer) for one, answer in past] == [
        ("source", AskState.ANSWERED, bare)
    ]


def test_a_probe_that_told_nothing_was_asked_for_in_vain(database: Database) -> None:
    worker, other = add(database, "shop", "a", "b")
    heap, trim = Ask(id=0, probe="heap"), Ask(id=0, probe="trim")
    refused = Answer(ask=ask(database, worker, heap) or 0, problem="too little memory is free")
    assert settle(database, worker, refused)
    assert settle(database, worker, Answer(ask=ask(database, worker, trim) or 0, trim=TRIMMED))
    assert ask(database, other, heap) is not None
    with database.writing() as connection:
        assert asks.in_vain(connection, [worker.id, other.id]) == {
            worker.id: {"heap"},
            other.id: set(),
        }
        asks.expire(connection, START + 6 * MINUTE)
        assert asks.in_vain(connection, [other.id]) == {other.id: {"heap"}}


def test_asks_go_with_their_worker(database: Database) -> None:
    (worker,) = add(database, "shop", "a")
    ask(database, worker, TRIM)
    with database.writing() as connection:
        assert workers.forget(connection, START + 1) == 1
        assert asks.waiting(connection) == []
