"""SQLAlchemy connections that outlive the request that took them."""

import gc
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import sqlalchemy as sqlalchemy_itself
from flask import Flask
from sqlalchemy import (
    Connection,
    Engine,
    NullPool,
    QueuePool,
    StaticPool,
    create_engine,
    event,
    pool,
    text,
)
from tests.support.fake_agent import FakeAgent

from bugsly.integrations import flask, sqlalchemy
from bugsly.probes.connection_pool import MAX_CHECKOUT_LINES, MAX_CHECKOUTS_PER_REQUEST
from bugsly.protocol.evidence import Holder

SELECT_ONE = text("SELECT 1")


class WatchedEngine:
    """An app with an engine; the agent's listeners are removed at the end of the test."""

    def __init__(self) -> None:
        self.fake = FakeAgent()
        self.engine = new_engine()
        self.app = Flask("shop")
        self.kept: list[Any] = []
        flask.install(self.app, self.fake)
        self.listener = sqlalchemy.SqlalchemyPoolListener(self.fake)

    def get(self, view: Any) -> None:
        """Serve one request with *view*."""
        self.app.view_functions["view"] = view
        with closing(self.app.test_client().get("/view/7")) as response:
            assert response.status_code in {200, 500}

    @property
    def levels(self) -> list[int]:
        return [one.count for one in self.fake.pool.count_holders()]

    @property
    def holder(self) -> Holder:
        (only_holder,) = self.fake.pool.describe_holders()
        return only_holder


def new_engine(**more: Any) -> Engine:
    return create_engine("sqlite://", poolclass=QueuePool, pool_size=50, **more)


@pytest.fixture
def watching() -> Iterator[WatchedEngine]:
    made = WatchedEngine()
    made.app.add_url_rule("/view/<int:number>", "view", methods=["GET"])
    listening: dict[str, Any] = {
        "first_connect": made.listener.on_first_connect,
        "checkout": made.listener.on_checkout,
        "checkin": made.listener.on_checkin,
        "detach": made.listener.on_checkin,
    }
    made.listener.listen(sqlalchemy_itself)
    yield made
    for name, listener in listening.items():
        event.remove(pool.Pool, name, listener)
    made.kept.clear()
    made.engine.dispose()


def test_a_connection_closed_within_its_request_is_no_leak(watching: WatchedEngine) -> None:
    def view(**_matched: int) -> str:
        with watching.engine.connect() as connection:
            connection.execute(SELECT_ONE)
        return "ok"

    for _ in range(3):
        watching.get(view)
    assert watching.levels == []


def test_a_shared_connection_is_counted_once(watching: WatchedEngine) -> None:
    shared = create_engine("sqlite://", poolclass=StaticPool)

    def view(**_matched: int) -> str:
        first, second = shared.connect(), shared.connect()
        first.close()
        second.close()
        watching.kept.append(shared.connect())
        return "ok"

    for _ in range(3):
        watching.get(view)
    assert watching.levels == []
    for connection in watching.kept:
        connection.close()
    shared.dispose()


def test_what_an_ended_request_left_open_is_reported_by_line_and_endpoint(
    watching: WatchedEngine,
) -> None:
    def view(**_matched: int) -> str:
        watching.kept.append(watching.engine.connect())  # the line
        return "ok"

    line = view.__code__.co_firstlineno + 1
    for _ in range(3):
        watching.get(view)
    assert watching.levels == [3]
    holder = watching.holder
    assert (
        holder.name == f"connections left open at tests/agent/probes/test_connection_pool.py:{line}"
    )
    assert holder.kind == "connection"
    assert holder.site == f"tests/agent/probes/test_connection_pool.py:{line}"
    assert holder.file == __file__
    assert holder.endpoint == "GET /view/<int:number>"
    assert holder.details == {
        "open_now": 3,
        "taken": 3,
        "left_open": 3,
        "collected": 0,
        "pool_size": 50,
        "overflow": -47,
    }


def test_a_connection_that_the_collector_returns_was_left_open(watching: WatchedEngine) -> None:
    def view(**_matched: int) -> str:
        cycle: list[object] = [watching.engine.connect()]
        cycle.append(cycle)
        return "ok"

    gc.disable()
    try:
        for _ in range(3):
            watching.get(view)
        assert (watching.levels, watching.holder.details["open_now"]) == ([3], 3)
        gc.collect()
    finally:
        gc.enable()
    assert watching.levels == [3]
    details = watching.holder.details
    assert (details["open_now"], details["collected"], details["left_open"]) == (0, 3, 3)


def test_a_connection_closed_after_its_request_was_not_collected(watching: WatchedEngine) -> None:
    def view(**_matched: int) -> str:
        watching.kept.append(watching.engine.connect())
        return "ok"

    watching.get(view)
    watching.kept.pop().close()
    details = watching.holder.details
    assert (details["open_now"], details["collected"], details["left_open"]) == (0, 0, 1)


def test_a_connection_detached_from_its_pool_is_not_followed(
    watching: WatchedEngine,
) -> None:
    def view(**_matched: int) -> str:
        connection = watching.engine.connect()
        connection.detach()
        watching.kept.append(connection)
        return "ok"

    watching.get(view)
    assert watching.levels == []
    watching.kept.pop().close()


def test_a_view_that_fails_leaves_its_connection_open(watching: WatchedEngine) -> None:
    def view(**_matched: int) -> str:
        connection: Connection = watching.engine.connect()
        connection.execute(text("SELECT nonsense"))
        connection.close()
        return "ok"

    gc.disable()
    try:
        watching.get(view)
        assert watching.levels == [1]
    finally:
        gc.enable()
        gc.collect()


def test_a_connection_taken_outside_requests_belongs_to_no_request(watching: WatchedEngine) -> None:
    def view(**_matched: int) -> str:
        thread = threading.Thread(
            target=lambda: watching.kept.append(watching.engine.connect()), daemon=True
        )
        thread.start()
        thread.join()
        return "ok"

    watching.kept.append(watching.engine.connect())
    watching.get(view)
    assert watching.levels == []


def test_engines_made_by_one_line_are_counted_while_they_live(watching: WatchedEngine) -> None:
    def view(**_matched: int) -> str:
        engine = create_engine("sqlite://", poolclass=NullPool)
        watching.kept.append(engine)
        with engine.connect():  # the line
            return "ok"

    for _ in range(4):
        watching.get(view)
    assert watching.levels == [4]
    assert watching.holder.kind == "engine"
    assert watching.holder.site.endswith(f":{view.__code__.co_firstlineno + 3}")
    watching.kept.clear()
    gc.collect()
    assert watching.levels == []


def test_returned_connections_of_a_request_make_room_for_later_ones(
    watching: WatchedEngine,
) -> None:
    def view(**_matched: int) -> str:
        for _ in range(3 * MAX_CHECKOUTS_PER_REQUEST):
            watching.engine.connect().close()
        watching.kept.append(watching.engine.connect())
        return "ok"

    watching.get(view)
    assert watching.levels == [1]


def test_lines_beyond_the_limit_share_one_count(watching: WatchedEngine) -> None:
    def view(**_matched: int) -> str:
        for line in range(MAX_CHECKOUT_LINES + 20):
            code = compile("\n" * line + "engine.connect().close()", __file__, "exec")
            exec(code, {"engine": watching.engine})
        watching.kept.append(watching.engine.connect())
        return "ok"

    watching.get(view)
    assert watching.holder.name == "connections left open at no line of the application"
    assert watching.holder.details["taken"] == 21


def test_a_listener_that_fails_does_not_reach_the_application(
    watching: WatchedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object) -> None:
        raise RuntimeError("ours")

    monkeypatch.delenv("BUGSLY_STRICT")
    monkeypatch.setattr(watching.fake.pool, "check_out", fail)
    with closing(watching.engine.connect()) as connection:
        assert connection.execute(SELECT_ONE).scalar() == 1
    assert watching.fake.guards.failures == {"sqlalchemy": 1}
