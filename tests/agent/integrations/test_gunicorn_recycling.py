"""What a Gunicorn worker can do, by what it is and how it is set up; the rest is in tests/e2e."""

import os
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.workers.gthread import ThreadWorker
from gunicorn.workers.sync import SyncWorker
from tests.support.fake_agent import FakeAgent
from tests.support.wsgi import TEXT_HEADERS, WatchedApplication, close_body, responding_app

from bugsly.integrations import gunicorn_recycling
from bugsly.integrations.gunicorn_recycling import GunicornWorkerController, prevent_gunicorn_halt
from bugsly.integrations.wsgi import WsgiMiddleware
from bugsly.recycle import host_coordinator
from bugsly.recycle.host_coordinator import WorkerSlot, open_host_coordinator


def worker_of(kind: type[Any], **settings: object) -> Any:
    """Return a worker of *kind* that was forked, but never ran."""
    cfg = Config()
    for name, value in settings.items():
        cfg.set(name, value)
    worker = object.__new__(kind)
    vars(worker).update(
        cfg=cfg, age=3, ppid=os.getppid(), alive=True, booted=True, PIPE=os.pipe(), sockets=[]
    )
    return worker


class UnknownSubclass(SyncWorker):  # type: ignore[misc]
    """A worker of the user's that builds on Gunicorn's."""


class UnrelatedWorker:
    """A worker that builds on none of those we know."""


@pytest.mark.parametrize(
    ("kind", "settings", "what_to_do"),
    [
        (SyncWorker, {}, ""),
        (ThreadWorker, {}, ""),
        (UnknownSubclass, {}, ""),
        (SyncWorker, {"reuse_port": True}, "turn reuse_port off"),
        (ThreadWorker, {"http_protocols": "h1,h2"}, "let the proxy in front speak HTTP/1.1"),
        (SyncWorker, {"http_protocols": "h1,h2"}, ""),
        (UnrelatedWorker, {}, "use sync, gthread or gevent"),
    ],
)
def test_an_unsupported_worker_says_what_to_do(
    kind: type[Any], settings: dict[str, object], what_to_do: str
) -> None:
    obstacle = GunicornWorkerController(worker_of(kind, **settings)).unsupported_reason
    assert obstacle.partition(" → ")[2].startswith(what_to_do)
    assert bool(obstacle) == bool(what_to_do)


def test_idle_connections_are_waited_for_where_there_are_any() -> None:
    assert GunicornWorkerController(worker_of(SyncWorker, keepalive=75)).keepalive_seconds == 0
    assert GunicornWorkerController(worker_of(ThreadWorker, keepalive=75)).keepalive_seconds == 75


@pytest.mark.parametrize(("connections", "empty"), [(0, True), (3, False)])
def test_a_gthread_worker_knows_its_connections(connections: int, empty: bool) -> None:  # noqa: FBT001
    worker = worker_of(ThreadWorker)
    worker.nr_conns = connections
    assert GunicornWorkerController(worker).has_no_connections() is empty
    assert not GunicornWorkerController(worker_of(SyncWorker)).has_no_connections()


def test_stopping_wakes_the_loop_of_the_worker() -> None:
    worker = worker_of(SyncWorker)
    controller = GunicornWorkerController(worker)
    assert controller.is_serving()
    controller.stop()
    assert not controller.is_serving()
    assert os.read(worker.PIPE[0], 9) == b"1"


def test_an_orphan_does_not_count_as_serving() -> None:
    worker = worker_of(SyncWorker)
    worker.ppid = -1
    assert not GunicornWorkerController(worker).is_serving()


class OldWorker(ThreadWorker):  # type: ignore[misc]
    """A gthread worker as before Gunicorn 24, which drops what it has taken and not yet read."""

    set_accept_enabled = property()


def test_an_old_worker_takes_no_more_connections_and_waits_for_those_it_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moment = 100.0
    monkeypatch.setattr(gunicorn_recycling, "monotonic", lambda: moment)
    removed: list[object] = []
    worker = worker_of(OldWorker, keepalive=2)
    worker.poller = SimpleNamespace(unregister=removed.append)
    worker.sockets = ["listener"]
    worker.nr_conns = 1
    controller = GunicornWorkerController(worker)
    controller.stop_accepting()
    assert removed == ["listener"]
    moment = 110.0
    assert not controller.is_drained()
    worker.nr_conns = 0
    assert controller.is_drained()
    moment = 101.0
    assert not controller.is_drained(), "its loop may be taking one now"


class FakeGunicornResponse:
    """Has what Gunicorn's response has."""

    def __init__(self) -> None:
        self.closes = False

    def force_close(self) -> None:
        self.closes = True

    def start_response(
        self, _status: str, _headers: object, _error: object = None, /
    ) -> Callable[[bytes], object]:
        return bytes


@pytest.mark.parametrize("reason", ["", "it grew"])
def test_the_responses_of_a_leaving_worker_close_their_connections(reason: str) -> None:
    fake, response = FakeAgent(), FakeGunicornResponse()
    fake.recycle_reason = reason
    application = WsgiMiddleware(responding_app([b"hello"], TEXT_HEADERS), fake)
    application({"REQUEST_METHOD": "GET"}, response.start_response)
    assert response.closes == bool(reason)


def test_under_another_server_responses_are_unchanged() -> None:
    watched = WatchedApplication(responding_app([b"hello"], TEXT_HEADERS))
    watched.fake.recycle_reason = "it grew"
    close_body(watched.call())
    assert watched.take_traffic().requests == 1


@pytest.mark.parametrize(
    ("booted", "code", "gone", "ready"),
    [
        (True, 3, True, True),
        (False, 1, True, True),
        (False, 3, False, True),
        (False, 3, True, False),
    ],
    ids=["it had booted", "another code", "no worker was recycled", "no worker serves"],
)
def test_gunicorn_may_halt_where_no_recycling_caused_it(
    booted: bool,  # noqa: FBT001
    code: int,
    gone: bool,  # noqa: FBT001
    ready: bool,  # noqa: FBT001
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Any,
) -> None:
    coordinator = open_host_coordinator(WorkerSlot(str(os.getppid()), 1, 1), [tmp_path])
    assert coordinator is not None
    monkeypatch.setattr(gunicorn_recycling, "open_host_coordinator", lambda _slot: coordinator)
    if gone:
        coordinator.record_departure(60)
    if ready:
        coordinator.mark_ready()
    worker = worker_of(SyncWorker)
    worker.booted = booted
    prevent_gunicorn_halt(worker, code)


@pytest.mark.parametrize("code", [3, 4])
def test_a_replacement_that_does_not_boot_does_not_halt_gunicorn(
    code: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    coordinator = open_host_coordinator(WorkerSlot(str(os.getppid()), 1, 1), [tmp_path])
    assert coordinator is not None
    with monkeypatch.context() as patched:
        patched.setattr(host_coordinator, "host_clock", lambda: -9_000.0)
        coordinator.record_departure(60)
    coordinator.mark_ready()
    monkeypatch.setattr(gunicorn_recycling, "open_host_coordinator", lambda _slot: coordinator)
    monkeypatch.setattr(gunicorn_recycling, "BOOT_RETRY_SECONDS", 0)
    worker = worker_of(SyncWorker)
    worker.booted = False
    with pytest.raises(SystemExit) as raised:
        prevent_gunicorn_halt(worker, code)
    assert raised.value.code == 1
