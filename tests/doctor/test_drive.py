"""The driver: it sends what the plan says, and is honest about what comes back."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.ports import free_port
from tests.support.wait import wait_until
from tests.support.web_server import WebServer, hanging, status

from bugsly_server.doctor.drive import Driver
from bugsly_server.doctor.plan import Endpoint, Plan

ADD = Endpoint(path="/add/{i}", method="POST", body="n={i}", content_type="text/plain")


@contextmanager
def driving(port: int, requests: int, clients: int = 2, pace: float = 0.0) -> Iterator[Driver]:
    """Drive for the block."""
    plan = Plan(endpoints=(ADD,), requests=requests, clients=clients)
    driver = Driver(port, plan, pace)
    driver.start()
    try:
        yield driver
    finally:
        driver.stop()


def test_every_request_of_the_plan_is_sent_once_with_its_number() -> None:
    with WebServer(status(204)) as server, driving(server.port, 80) as driver:
        wait_until(lambda: driver.is_done, what="all is answered")
        assert driver.tally().statuses == ((204, 80),)
    assert Counter(one.path for one in server.asked) == Counter(f"/add/{n}" for n in range(80))
    assert {one.body for one in server.asked} == {f"n={n}".encode() for n in range(80)}
    assert {one.headers["Content-Type"] for one in server.asked} == {"text/plain"}


def test_answers_are_counted_by_status() -> None:
    answers = [status(200), status(404), status(500), status(503)]
    with WebServer(*answers, status(204)) as server, driving(server.port, 10) as driver:
        wait_until(lambda: driver.is_done, what="all is answered")
        tally = driver.tally()
    assert tally.statuses == ((200, 1), (204, 6), (404, 1), (500, 1), (503, 1))
    assert (tally.answered, tally.broken, tally.unanswered) == (10, 2, 0)


def test_what_nobody_answers_is_counted_with_the_reason() -> None:
    with driving(free_port(), 4) as driver:
        wait_until(lambda: driver.is_done, what="all is tried")
        tally = driver.tally()
    assert (tally.answered, tally.unanswered) == (0, 4)
    assert "refused" in tally.problem


def test_a_driver_that_is_stopped_does_not_wait_for_an_answer() -> None:
    with WebServer(hanging) as server, driving(server.port, 10) as driver:
        wait_until(lambda: len(server.asked) == 2, what="both clients wait")
        driver.stop()
        assert not driver.is_done
        assert driver.tally().answered == 0


def test_a_driver_can_go_on_when_all_was_sent() -> None:
    with WebServer(status(204)) as server, driving(server.port, 5) as driver:
        wait_until(lambda: driver.is_done, what="the plan is through")
        driver.go_on(9, 0.0)
        driver.go_on(3, 0.0)
        wait_until(lambda: driver.tally().answered == 9, what="the rest is answered")
        assert driver.is_done
    assert len(server.asked) == 9


def test_a_pace_keeps_requests_apart() -> None:
    with WebServer(status(204)) as server, driving(server.port, 1_000, pace=3_600.0) as driver:
        driver.go_on(900, 0.0)
        assert not driver.is_done
    assert server.asked == []
