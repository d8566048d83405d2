"""Requests that stay in memory after they ended."""

import gc
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from flask import Flask, request
from tests.support.fake_agent import FakeAgent

from bugsly.integrations import flask, wsgi
from bugsly.probes import surviving_requests as probe
from bugsly.probes.surviving_requests import FOLLOWED_SHARE, MAX_PENDING_REQUESTS, SurvivingRequests

ALIVE = "requests alive after they ended"
FAILED = "failed requests alive after they ended"


class LeakyShop:
    """An app that keeps some of its requests, all of which are followed."""

    def __init__(self) -> None:
        self.fake = FakeAgent()
        self.app = Flask("shop")
        self.kept: list[Any] = []
        self.app.add_url_rule("/kept", "kept", self._keep)
        self.app.add_url_rule("/clean", "clean", lambda: "ok")
        self.app.add_url_rule("/broken", "broken", self._break)
        self.app.register_error_handler(ZeroDivisionError, self._remember)
        flask.install(self.app, self.fake)

    def _keep(self) -> str:
        self.kept.append(request._get_current_object())  # type: ignore[attr-defined]
        return "ok"

    def _break(self) -> str:
        return str(1 / 0)

    def _remember(self, error: Exception) -> tuple[str, int]:
        self.kept.append(error)
        return "sorry", 500

    def get(self, path: str, times: int = 3) -> None:
        for _ in range(times):
            self.app.test_client().get(path).close()

    @property
    def levels(self) -> dict[str, int]:
        return {one.holder: one.count for one in self.fake.survivors.count_holders()}


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[LeakyShop]:
    monkeypatch.setattr(wsgi, "FOLLOWED_SHARE", 1.0)
    monkeypatch.setattr(probe, "FOLLOWED_SHARE", 1.0)
    made = LeakyShop()
    yield made
    made.kept.clear()


@pytest.fixture
def at_once(shop: LeakyShop) -> LeakyShop:
    shop.fake.survivors = SurvivingRequests(pending_seconds=0)
    return shop


def collect(times: int = 2) -> None:
    for _ in range(times):
        gc.collect()


def test_a_request_that_is_kept_is_reported_with_its_endpoint(shop: LeakyShop) -> None:
    shop.get("/kept")
    shop.get("/clean")
    collect()
    assert shop.levels == {ALIVE: 3}
    (holder,) = shop.fake.survivors.describe_holders()
    assert (holder.name, holder.kind, holder.endpoint) == (ALIVE, "survivor", "GET /kept")
    assert holder.details == {"outlived_collections": 3}


def test_a_request_kept_by_its_error_is_counted_separately(shop: LeakyShop) -> None:
    shop.get("/broken")
    collect()
    assert shop.levels == {FAILED: 3}


def test_a_request_that_is_gone_is_not_counted(at_once: LeakyShop) -> None:
    at_once.get("/clean")
    collect()
    assert at_once.levels == {}


def test_nothing_is_counted_before_the_collector_has_run(shop: LeakyShop) -> None:
    gc.disable()
    try:
        shop.get("/kept")
        assert shop.levels == {}
        collect(1)
        assert shop.levels == {}
    finally:
        gc.enable()
    collect()
    assert shop.levels == {ALIVE: 3}


def test_without_collections_requests_count_after_a_while(at_once: LeakyShop) -> None:
    gc.disable()
    try:
        at_once.get("/kept")
        assert at_once.levels == {ALIVE: 3}
        (holder,) = at_once.fake.survivors.describe_holders()
        assert holder.details == {"outlived_collections": 0}
    finally:
        gc.enable()


def test_requests_that_are_freed_later_are_counted_as_removed(at_once: LeakyShop) -> None:
    at_once.get("/kept")
    assert at_once.levels == {ALIVE: 3}
    del at_once.kept[:2]
    collect()
    assert at_once.levels == {ALIVE: 1}
    assert [one.removed for one in at_once.fake.survivors.describe_holders()] == [2]


def test_of_two_equal_endpoints_neither_is_named(at_once: LeakyShop) -> None:
    at_once.app.add_url_rule("/too", "too", at_once._keep)
    at_once.get("/kept")
    at_once.get("/too")
    assert at_once.levels == {ALIVE: 6}
    assert [one.endpoint for one in at_once.fake.survivors.describe_holders()] == [""]


def test_a_share_is_extrapolated_and_every_failure_counts() -> None:
    followed = SurvivingRequests(pending_seconds=0)
    kept = [type("Kept", (), {})() for _ in range(3)]
    for kept_request in kept:
        ref = probe.request_ref({"werkzeug.request": kept_request})
        assert ref is not None
        followed.follow(ref, ("GET", "/"), failed=False)
        followed.follow(ref, ("GET", "/"), failed=True)
    with pytest.MonkeyPatch.context() as shares:
        shares.setattr(probe, "FOLLOWED_SHARE", FOLLOWED_SHARE)
        levels = {one.holder: one.count for one in followed.count_holders()}
    assert levels == {ALIVE: 3 / FOLLOWED_SHARE, FAILED: 3}


def test_a_share_of_requests_is_followed(shop: LeakyShop, monkeypatch: pytest.MonkeyPatch) -> None:
    draws = iter([0.0, 0.5, FOLLOWED_SHARE, FOLLOWED_SHARE / 2])
    monkeypatch.setattr(wsgi, "FOLLOWED_SHARE", FOLLOWED_SHARE)
    monkeypatch.setattr(wsgi, "random", lambda: next(draws))
    shop.get("/clean", 4)
    assert len(shop.fake.survivors._pending) == 2


def test_pending_requests_are_limited() -> None:
    followed = SurvivingRequests()
    kept = type("Kept", (), {})()
    ref = probe.request_ref({"werkzeug.request": kept})
    assert ref is not None
    for _ in range(MAX_PENDING_REQUESTS + 5):
        followed.follow(ref, ("GET", "/"), failed=True)
    assert len(followed._pending) == MAX_PENDING_REQUESTS


def test_the_probe_keeps_no_request_alive(shop: LeakyShop) -> None:
    with closing(shop.app.test_client().get("/kept")):
        pass
    (request,) = shop.kept
    ours = [one for one in gc.get_referrers(request) if type(one).__module__.startswith("bugsly")]
    assert ours == []
    call = wsgi.CURRENT_REQUEST.get()
    assert call is None
