"""Requests counted by endpoint."""

import threading
from types import SimpleNamespace
from typing import Any

import pytest
from tests.support.protocol_values import traffic

from bugsly.probes.traffic import MAX_ENDPOINTS, EndpointKey, TrafficProbe, endpoint_of

INDEX = ("GET", "/")


def routed(method: str, rule: str | None) -> dict[str, Any]:
    url_rule = None if rule is None else SimpleNamespace(rule=rule)
    return {"REQUEST_METHOD": method, "werkzeug.request": SimpleNamespace(url_rule=url_rule)}


@pytest.mark.parametrize(
    ("environ", "endpoint"),
    [
        (routed("GET", "/items/<int:id>"), ("GET", "/items/<int:id>")),
        (routed("PURGE", "/items"), ("OTHER", "/items")),
        (routed("get", "/items"), ("OTHER", "/items")),
        (routed("GET", None), ("GET", "(no route)")),
        ({"REQUEST_METHOD": "GET"}, ("GET", "(unrouted)")),
        ({"REQUEST_METHOD": "GET", "werkzeug.request": None}, ("GET", "(unrouted)")),
        ({"REQUEST_METHOD": "GET", "werkzeug.request": object()}, ("GET", "(no route)")),
        ({}, ("OTHER", "(unrouted)")),
    ],
)
def test_an_endpoint_is_a_method_and_a_rule(environ: Any, endpoint: EndpointKey) -> None:
    assert endpoint_of(environ) == endpoint


def test_requests_of_an_endpoint_are_added_up() -> None:
    probe = TrafficProbe()
    for status, micros, sent in [(200, 5, 100), (404, 6, 50), (503, 7, 200), (500, 8, 0)]:
        probe.request_started()
        probe.request_finished(INDEX, status, micros, sent)
    assert probe.take_traffic() == (
        traffic(
            "GET /",
            requests=4,
            client_errors=1,
            server_errors=2,
            micros=26,
            sent=350,
            biggest=200,
        ),
    )


def test_traffic_is_reported_once_and_requests_are_counted_for_ever() -> None:
    probe = TrafficProbe()
    probe.request_started()
    probe.request_finished(INDEX, 200, 1, 1)
    assert len(probe.take_traffic()) == 1
    assert probe.take_traffic() == ()
    assert (probe.requests, probe.requests_by_endpoint()) == (1, {INDEX: 1})
    probe.request_started()
    probe.request_finished(INDEX, 200, 1, 1)
    assert (probe.requests, probe.requests_by_endpoint()) == (2, {INDEX: 2})


def test_requests_beyond_the_limit_of_endpoints_are_counted_together() -> None:
    probe = TrafficProbe()
    for number in range(2 * MAX_ENDPOINTS):
        probe.request_started()
        probe.request_finished(("GET", f"/{number}"), 200, 1, 1)
        probe.take_traffic()
    served = probe.requests_by_endpoint()
    assert len(served) == MAX_ENDPOINTS + 1
    assert sum(served.values()) == probe.requests


def test_the_busiest_endpoint_comes_first() -> None:
    probe = TrafficProbe()
    for rule in ["/a", "/b", "/b", "/c", "/b", "/c"]:
        probe.request_finished(("GET", rule), 200, 1, 1)
    assert [one.endpoint for one in probe.take_traffic()] == ["GET /b", "GET /c", "GET /a"]


def test_traffic_beyond_the_limit_of_endpoints_is_counted_together() -> None:
    probe = TrafficProbe()
    for number in range(MAX_ENDPOINTS + 50):
        probe.request_finished(("GET", f"/{number}"), 200, 1, 1)
        probe.request_finished(("GET", "/0"), 200, 1, 1)
    counts = {one.endpoint: one.requests for one in probe.take_traffic()}
    assert len(counts) == MAX_ENDPOINTS + 1
    assert counts["(other endpoints)"] == 50
    assert counts["GET /0"] == MAX_ENDPOINTS + 51
    assert sum(counts.values()) == probe.requests


def test_a_long_rule_is_cut() -> None:
    probe = TrafficProbe()
    probe.request_finished(("GET", "/x" * 500), 200, 1, 1)
    (traffic,) = probe.take_traffic()
    assert traffic.endpoint == ("GET " + "/x" * 500)[:200]


def test_requests_in_flight_are_known() -> None:
    probe = TrafficProbe()
    probe.request_started()
    probe.request_started()
    assert probe.in_flight == 2
    probe.request_finished(INDEX, 200, 1, 1)
    assert (probe.in_flight, probe.requests) == (1, 1)


def test_threads_lose_no_request() -> None:
    probe = TrafficProbe()

    def serve() -> None:
        for _ in range(2000):
            probe.request_started()
            probe.request_finished(INDEX, 200, 1, 1)

    threads = [threading.Thread(target=serve) for _ in range(4)]
    for thread in threads:
        thread.start()
    taken = 0
    while any(thread.is_alive() for thread in threads):
        taken += sum(one.requests for one in probe.take_traffic())
    taken += sum(one.requests for one in probe.take_traffic())
    assert taken == probe.requests == 8000
    assert probe.in_flight == 0
