"""Requests that ended and are alive."""

import gc
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from flask import Flask, request
from tests.support.fake_agent import FakeAgent

from bugsly.integrations import flask, wsgi
from bugsly.probes import survivors as probe
from bugsly.probes.survivors import MOST_PENDING, SHARE, Survivors

ALIVE = "requests alive after they ended"
FAILED = "failed requests alive after they ended"


class Shop:
    """An app that keeps what it should not, each of its requests followed."""

    def __init__(self) -> None:
        self.fake = FakeAgent()
        self.app = Flask("shop")
        self.kept: list[Any] = []
        self.app.add_url_rule("/kept", "kept", self._keep)
        self.app.add_url_rule("/clean", "clean", lambda: "ok")
        self.app.add_url_rule("/broken", "broken", self._break)
        self.app.register_error_handler(ZeroDivisionError, self._remember)
        flask.install(self.app, self.fake.agent)

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
        return {one.holder: one.count for one in self.fake.survivors.levels()}


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.setattr(wsgi, "SHARE", 1.0)
    monkeypatch.setattr(probe, "SHARE", 1.0)
    made = Shop()
    yield made
    made.kept.clear()


@pytest.fixture
def at_once(shop: Shop) -> Shop:
    shop.fake.survivors = Survivors(patience=0)
    return shop


def collect(times: int = 2) -> None:
    for _ in range(times):
        gc.collect()


def test_a_request_that_is_kept_is_told_with_its_endpoint(shop: Shop) -> None:
    shop.get("/kept")
    shop.get("/clean")
    collect()
    assert shop.levels == {ALIVE: 3}
    (holder,) = shop.fake.survivors.holders()
    assert (holder.name, holder.kind, holder.endpoint) == (ALIVE, "survivor", "GET /kept")
    assert holder.details == {"outlived_collections": 3}


def test_a_request_kept_by_its_error_is_told_apart(shop: Shop) -> None:
    shop.get("/broken")
    collect()
    assert shop.levels == {FAILED: 3}


def test_a_request_that_is_gone_is_not_told(at_once: Shop) -> None:
    at_once.get("/clean")
    collect()
    assert at_once.levels == {}


def test_nothing_is_told_before_the_collector_had_its_chance(shop: Shop) -> None:
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


def test_where_no_collection_comes_patience_ends(at_once: Shop) -> None:
    gc.disable()
    try:
        at_once.get("/kept")
        assert at_once.levels == {ALIVE: 3}
        (holder,) = at_once.fake.survivors.holders()
        assert holder.details == {"outlived_collections": 0}
    finally:
        gc.enable()


def test_those_that_go_after_all_are_counted_as_removed(at_once: Shop) -> None:
    at_once.get("/kept")
    assert at_once.levels == {ALIVE: 3}
    del at_once.kept[:2]
    collect()
    assert at_once.levels == {ALIVE: 1}
    assert [one.removed for one in at_once.fake.survivors.holders()] == [2]


def test_two_endpoints_alike_name_neither(at_once: Shop) -> None:
    at_once.app.add_url_rule("/too", "too", at_once._keep)
    at_once.get("/kept")
    at_once.get("/too")
    assert at_once.levels == {ALIVE: 6}
    assert [one.endpoint for one in at_once.fake.survivors.holders()] == [""]


def test_a_share_stands_for_all_but_every_failure_counts() -> None:
    followed = Survivors(patience=0)
    kept = [type("Kept", (), {})() for _ in range(3)]
    for one in kept:
        ref = probe.ref_of({"werkzeug.request": one})
        assert ref is not None
        followed.watch(ref, ("GET", "/"), failed=False)
        followed.watch(ref, ("GET", "/"), failed=True)
    with pytest.MonkeyPatch.context() as shares:
        shares.setattr(probe, "SHARE", SHARE)
        levels = {one.holder: one.count for one in followed.levels()}
    assert levels == {ALIVE: 3 / SHARE, FAILED: 3}


def test_a_share_of_requests_is_followed(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    draws = iter([0.0, 0.5, SHARE, SHARE / 2])
    monkeypatch.setattr(wsgi, "SHARE", SHARE)
    monkeypatch.setattr(wsgi, "random", lambda: next(draws))
    shop.get("/clean", 4)
    assert len(shop.fake.survivors._pending) == 2


def test_what_waits_is_bounded() -> None:
    followed = Survivors()
    kept = type("Kept", (), {})()
    ref = probe.ref_of({"werkzeug.request": kept})
    assert ref is not None
    for _ in range(MOST_PENDING + 5):
        followed.watch(ref, ("GET", "/"), failed=True)
    assert len(followed._pending) == MOST_PENDING


def test_no_request_is_kept_by_us(shop: Shop) -> None:
    with closing(shop.app.test_client().get("/kept")):
        pass
    (request,) = shop.kept
    ours = [one for one in gc.get_referrers(request) if type(one).__module__.startswith("bugsly")]
    assert ours == []
    call = wsgi.CURRENT.get()
    assert call is None
