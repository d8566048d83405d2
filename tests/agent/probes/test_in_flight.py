"""Requests in flight, as the next sample reports them."""

from time import perf_counter_ns
from typing import Any

from tests.support.wsgi import ChunkedBody, WatchedApplication, close_body, responding_app

from bugsly.probes.in_flight import MAX_REPORTED_ENDPOINTS, InFlightRequests


class FakeRequest:
    def __init__(self, endpoint: str = "GET /", seconds: float = 0.0) -> None:
        self.endpoint = endpoint
        self.begun = perf_counter_ns() - round(seconds * 1e9)


def in_flight_of(*requests: FakeRequest) -> InFlightRequests:
    in_flight = InFlightRequests()
    for started in requests:
        in_flight.request_started(started)
    return in_flight


def test_endpoints_are_reported_with_the_age_of_their_oldest_request_longest_first() -> None:
    kept = FakeRequest(seconds=1), FakeRequest("GET /report", seconds=28), FakeRequest(seconds=5)
    endpoints = in_flight_of(*kept).by_endpoint()
    assert [(one.endpoint, one.requests, one.micros // 1_000_000) for one in endpoints] == [
        ("GET /report", 1, 28),
        ("GET /", 2, 5),
    ]


def test_an_answered_request_is_no_longer_reported() -> None:
    request = FakeRequest()
    in_flight = in_flight_of(request)
    in_flight.request_finished(request)
    assert in_flight.by_endpoint() == ()
    in_flight.request_finished(request)


def test_a_request_that_its_server_dropped_is_not_kept_for_it() -> None:
    in_flight = in_flight_of(FakeRequest(), FakeRequest())
    assert in_flight.by_endpoint() == ()
    assert in_flight._requests == {}


def test_of_many_endpoints_those_that_take_longest_are_reported_with_short_names() -> None:
    kept = [FakeRequest(f"GET /{number:03}" + "/x" * 500, seconds=number) for number in range(50)]
    endpoints = in_flight_of(*kept).by_endpoint()
    assert [one.endpoint[5:8] for one in endpoints] == [
        f"{n:03}" for n in range(49, 49 - MAX_REPORTED_ENDPOINTS, -1)
    ]
    assert {len(one.endpoint) for one in endpoints} == {200}


def test_a_request_that_is_about_to_be_aborted_stays_reported() -> None:
    request = FakeRequest("GET /report", seconds=28)
    in_flight = in_flight_of(request)
    in_flight.freeze()
    in_flight.request_finished(request)
    assert [one.endpoint for one in in_flight.by_endpoint()] == ["GET /report"]


def test_a_request_is_in_flight_until_its_body_is_closed() -> None:
    inside: list[Any] = []

    def application(environ: Any, start_response: Any) -> Any:
        inside.extend(watched.fake.traffic.in_flight_requests.by_endpoint())
        return responding_app(ChunkedBody(b"a"))(environ, start_response)

    watched = WatchedApplication(application)
    body = watched.call()
    during = watched.fake.traffic.in_flight_requests.by_endpoint()
    assert [one.endpoint for one in (*inside, *during)] == ["GET (unrouted)"] * 2
    close_body(body)
    assert watched.fake.traffic.in_flight_requests.by_endpoint() == ()
