"""What remains of each call is found, and what fills up to a bound is not called a leak."""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import lru_cache

import pytest
from flask import Flask
from flask.testing import FlaskClient

from bugsly.testing import LeakFound, NothingMeasured, call_without_leak, no_leak
from bugsly.testing.growth_check import MIN_CALLS

CALLS = 45
kept: list[dict[str, str]] = []
latest: deque[dict[str, str]] = deque(maxlen=5_000)


@lru_cache(maxsize=5_000)
def bounded(number: int) -> list[int]:
    return [number]


def order(number: int) -> dict[str, str]:
    return {f"order {number}": "open"}


def make_app() -> Flask:
    app = Flask(__name__)
    app.add_url_rule("/keep/<int:number>", view_func=keep)
    app.add_url_rule("/plain", endpoint="plain", view_func=lambda: "plain")
    return app


def keep(number: int) -> str:
    kept.append(order(number))
    return "kept"


@pytest.fixture
def client() -> FlaskClient:
    return make_app().test_client()


def test_a_list_that_each_request_adds_to_is_named_with_its_growth_and_a_fix(
    client: FlaskClient,
) -> None:
    with pytest.raises(LeakFound) as found:
        no_leak(client, "/keep/{}".format, requests=CALLS)
    text = str(found.value)
    assert f"{__name__}.kept grows by" in text
    assert f"{CALLS} more entries after {CALLS} calls" in text
    assert "collections.deque(maxlen=1000)" in text


def test_a_request_that_keeps_nothing_passes(client: FlaskClient) -> None:
    no_leak(client, "/plain", requests=CALLS)


@pytest.mark.parametrize("fill", [bounded, lambda number: latest.append(order(number))])
def test_what_fills_up_to_its_own_bound_is_no_leak(fill: Callable[[int], object]) -> None:
    numbers = iter(range(1_000_000))
    call_without_leak(lambda: fill(next(numbers)), calls=CALLS)


def test_so_many_bytes_per_call_may_remain_where_the_test_says_so() -> None:
    call_without_leak(lambda: keep(1), calls=CALLS, max_bytes_per_call=10_000)


def test_a_client_whose_methods_are_coroutines_is_awaited() -> None:
    class AsyncClient:
        async def get(self, _path: str) -> None:
            kept.append(order(1))

    with pytest.raises(LeakFound, match="kept grows by"):
        asyncio.run(no_leak(AsyncClient(), "/", requests=CALLS))


def test_a_request_that_fails_measures_nothing_and_says_so(client: FlaskClient) -> None:
    with pytest.raises(NothingMeasured, match="GET /nowhere answered 404"):
        no_leak(client, "/nowhere")


def test_too_few_calls_measure_nothing() -> None:
    with pytest.raises(NothingMeasured, match=f"called {MIN_CALLS} times"):
        call_without_leak(int, calls=3)


def test_a_method_that_the_client_has_not_is_said(client: FlaskClient) -> None:
    with pytest.raises(NothingMeasured, match="no method 'brew'"):
        no_leak(client, "/", method="BREW")
