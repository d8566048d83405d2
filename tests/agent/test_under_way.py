"""What is being answered now, as the next sample tells it."""

from time import perf_counter_ns
from typing import Any

from tests.support.wsgi import Chunks, Watched, answering, close

from bugsly.probes.under_way import MOST, RequestsUnderWay


class Request:
    def __init__(self, endpoint: str = "GET /", seconds: float = 0.0) -> None:
        self.endpoint = endpoint
        self.begun = perf_counter_ns() - round(seconds * 1e9)


def begun(*requests: Request) -> RequestsUnderWay:
    under_way = RequestsUnderWay()
    for one in requests:
        under_way.began(one)
    return under_way


def test_endpoints_are_told_with_the_age_of_their_oldest_request_the_longest_first() -> None:
    kept = Request(seconds=1), Request("GET /report", seconds=28), Request(seconds=5)
    told = begun(*kept).told()
    assert [(one.endpoint, one.requests, one.micros // 1_000_000) for one in told] == [
        ("GET /report", 1, 28),
        ("GET /", 2, 5),
    ]


def test_what_is_answered_is_told_no_longer() -> None:
    request = Request()
    under_way = begun(request)
    under_way.ended(request)
    assert under_way.told() == ()
    under_way.ended(request)


def test_a_request_that_its_server_dropped_is_not_kept_for_it() -> None:
    under_way = begun(Request(), Request())
    assert under_way.told() == ()
    assert under_way._requests == {}


def test_of_many_endpoints_those_that_take_longest_are_told_and_no_name_is_long() -> None:
    kept = [Request(f"GET /{number:03}" + "/x" * 500, seconds=number) for number in range(50)]
    told = begun(*kept).told()
    assert [one.endpoint[5:8] for one in told] == [f"{n:03}" for n in range(49, 49 - MOST, -1)]
    assert {len(one.endpoint) for one in told} == {200}


def test_what_is_about_to_be_broken_off_stays_told() -> None:
    request = Request("GET /report", seconds=28)
    under_way = begun(request)
    under_way.keep()
    under_way.ended(request)
    assert [one.endpoint for one in under_way.told()] == ["GET /report"]


def test_a_request_is_under_way_until_its_body_is_closed() -> None:
    inside: list[Any] = []

    def application(environ: Any, start_response: Any) -> Any:
        inside.extend(watched.fake.traffic.under_way.told())
        return answering(Chunks(b"a"))(environ, start_response)

    watched = Watched(application)
    body = watched.call()
    during = watched.fake.traffic.under_way.told()
    assert [one.endpoint for one in (*inside, *during)] == ["GET (unrouted)"] * 2
    close(body)
    assert watched.fake.traffic.under_way.told() == ()
