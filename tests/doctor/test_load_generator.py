"""The driver: it sends what the plan says, and is honest about what comes back."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.ports import free_port
from tests.support.wait import wait_until
from tests.support.web_server import WebServer, respond_never, respond_status

from bugsly_server.doctor.load_generator import LoadGenerator
from bugsly_server.doctor.load_plan import LoadPlan, RequestTemplate

ADD = RequestTemplate(path="/add/{i}", method="POST", body="n={i}", content_type="text/plain")


@contextmanager
def driving(
    port: int, requests: int, clients: int = 2, pace: float = 0.0
) -> Iterator[LoadGenerator]:
    """Drive for the block."""
    plan = LoadPlan(endpoints=(ADD,), requests=requests, clients=clients)
    driver = LoadGenerator(port, plan, pace)
    driver.start()
    try:
        yield driver
    finally:
        driver.stop()


def test_every_request_of_the_plan_is_sent_once_with_its_number() -> None:
    with WebServer(respond_status(204)) as server, driving(server.port, 80) as driver:
        wait_until(lambda: driver.is_done, what="all is answered")
        assert driver.tally().statuses == ((204, 80),)
    assert Counter(one.path for one in server.requests) == Counter(f"/add/{n}" for n in range(80))
    assert {one.body for one in server.requests} == {f"n={n}".encode() for n in range(80)}
    assert {one.headers["Content-Type"] for one in server.requests} == {"text/plain"}


def test_answers_are_counted_by_status() -> None:
    answers = [respond_status(200), respond_status(404), respond_status(500), respond_status(503)]
    with WebServer(*answers, respond_status(204)) as server, driving(server.port, 10) as driver:
        wait_until(lambda: driver.is_done, what="all is answered")
        tally = driver.tally()
    assert tally.statuses == ((200, 1), (204, 6), (404, 1), (500, 1), (503, 1))
    assert (tally.answered, tally.server_errors, tally.unanswered) == (10, 2, 0)


def test_what_nobody_answers_is_counted_with_the_reason() -> None:
    with driving(free_port(), 4) as driver:
        wait_until(lambda: driver.is_done, what="all is tried")
        tally = driver.tally()
    assert (tally.answered, tally.unanswered) == (0, 4)
    assert "refused" in tally.problem


def test_a_driver_that_is_stopped_does_not_wait_for_an_answer() -> None:
    with WebServer(respond_never) as server, driving(server.port, 10) as driver:
        wait_until(lambda: len(server.requests) == 2, what="both clients wait")
        driver.stop()
        assert not driver.is_done
        assert driver.tally().answered == 0


def test_a_driver_can_go_on_when_all_was_sent() -> None:
    with WebServer(respond_status(204)) as server, driving(server.port, 5) as driver:
        wait_until(lambda: driver.is_done, what="the plan is through")
        driver.extend(9, 0.0)
        driver.extend(3, 0.0)
        wait_until(lambda: driver.tally().answered == 9, what="the rest is answered")
        assert driver.is_done
    assert len(server.requests) == 9


def test_a_pace_keeps_requests_apart() -> None:
    with (
        WebServer(respond_status(204)) as server,
        driving(server.port, 1_000, pace=3_600.0) as driver,
    ):
        driver.extend(900, 0.0)
        assert not driver.is_done
    assert server.requests == []
