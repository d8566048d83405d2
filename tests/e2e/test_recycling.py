"""Workers that swell are recycled under load, and the clients notice nothing."""

import os
import signal
from pathlib import Path
from threading import Thread

import pytest
from tests.support.fake_server import FakeServer, reply
from tests.support.gunicorn import WORKERS
from tests.support.http_load import hold_request, http_load
from tests.support.recycling_gunicorn import GTHREAD_OPTIONS, RecyclingGunicorn, recycling_gunicorn
from tests.support.wait import wait_until

from bugsly.protocol.memory import ExitReason
from bugsly.protocol.safety_net import Hindrance

SETUPS = {
    "sync": ("-k", "sync"),
    "gthread": GTHREAD_OPTIONS,
    "gthread with patience": (*GTHREAD_OPTIONS, "--keep-alive", "4"),
    "gevent": ("-k", "gevent"),
    "preload": (*GTHREAD_OPTIONS, "--preload"),
}


@pytest.mark.parametrize("setup", SETUPS)
def test_every_worker_is_recycled_and_no_request_fails(
    setup: str, server: FakeServer, tmp_path: Path
) -> None:
    with recycling_gunicorn(server, tmp_path, *SETUPS[setup]) as shop:
        first = {str(pid) for pid in shop.running.children}
        with http_load(shop.port, observe=shop.ready_workers) as clients:
            shop.await_recycled(2 * WORKERS)
            wait_until(
                lambda: first.isdisjoint(map(str, shop.running.children)), 60, "the first are gone"
            )
        assert clients.failed == []
        assert clients.min_observed >= WORKERS - 1
        assert first < set(clients.answered)
        assert all("passed 100 MB" in one.because for one in shop.recycled_exits)
        told = {report.worker.id for report in shop.leaving_reports() if report.samples}
        assert {one.worker for one in shop.recycled_exits} <= told
        assert {one.path.removesuffix("[*]") for one in shop.largest_holders} == {"swelling.kept"}


def test_a_client_that_pauses_for_less_than_the_keepalive_meets_no_closed_door(
    server: FakeServer, tmp_path: Path
) -> None:
    with (
        recycling_gunicorn(server, tmp_path, *GTHREAD_OPTIONS, "--keep-alive", "5") as shop,
        http_load(shop.port) as busy,
        http_load(shop.port, pace=3, clients=8) as pausing,
    ):
        shop.await_recycled(2 * WORKERS)
        wait_until(lambda: len(pausing.answered) > WORKERS, 60, "those that pause met a fresh one")
    assert busy.failed == pausing.failed == []


def test_a_worker_that_idles_is_replaced_too(server: FakeServer, tmp_path: Path) -> None:
    with recycling_gunicorn(server, tmp_path, *GTHREAD_OPTIONS, BUGSLY_RECYCLE_AGE="8") as shop:
        with http_load(shop.port) as clients:
            wait_until(lambda: max(clients.answered.values(), default=0) > 80, 60, "one swells")
        assert shop.recycled_exits == []
        swollen = int(clients.answered.most_common(1)[0][0])
        wait_until(lambda: swollen not in shop.running.children, 30, "it is gone")
        shop.await_ready()
        assert clients.failed == []


def test_a_replacement_that_does_not_boot_ends_recycling_and_not_gunicorn(
    server: FakeServer, tmp_path: Path
) -> None:
    with recycling_gunicorn(server, tmp_path, *GTHREAD_OPTIONS, troubled=True) as shop:
        shop.break_boot("hangs")
        with http_load(shop.port, observe=shop.ready_workers) as clients:
            shop.await_recycled(1)
            wait_until(lambda: len(shop.running.children) == WORKERS, 30, "one boots")
            shop.break_boot("is killed")
            wait_until(lambda: "was sent SIGKILL" in shop.running.log, 30, "it is killed")
            shop.break_boot("raises")
            wait_until(lambda: "exited with code 1" in shop.running.log, 30, "it does not boot")
            answered = sum(clients.answered.values())
            wait_until(
                lambda: sum(clients.answered.values()) > answered + 100, 30, "the other serves"
            )
            assert len(shop.recycled_exits) == 1
            wait_until(lambda: Hindrance.SIBLINGS in shop.hindrances(), 10, "it says so")
            shop.boot.unlink()
            shop.await_recycled(3)
        assert clients.failed == []
        assert clients.min_observed == WORKERS - 1


def test_who_went_while_the_server_was_down_is_counted_when_it_is_back(
    server: FakeServer, tmp_path: Path
) -> None:
    with recycling_gunicorn(server, tmp_path, *GTHREAD_OPTIONS) as shop:
        first = set(shop.running.children)
        server.default_reply = reply(503)
        with http_load(shop.port):
            wait_until(lambda: first.isdisjoint(shop.running.children), 60, "the first are gone")
        server.default_reply, heard = reply(), len(server.reports)
        wait_until(
            lambda: any(
                one.net and one.net.recycled_today >= WORKERS for one in server.reports[heard:]
            ),
            30,
            "they are counted",
        )


def test_a_worker_whose_code_was_changed_stays(server: FakeServer, tmp_path: Path) -> None:
    source = Path(__file__).parents[1] / "apps" / "swelling.py"
    copy = tmp_path / "changing.py"
    copy.write_text(source.read_text())
    path = ("--pythonpath", str(tmp_path))
    with recycling_gunicorn(server, tmp_path, *path, app="changing:app") as shop:
        shop.await_ready()
        before = shop.running.children
        copy.write_text("nonsense is deployed\n")
        with http_load(shop.port) as clients:
            wait_until(lambda: Hindrance.CHANGED in shop.hindrances(), 60, "it says so")
        assert clients.failed == []
        assert shop.running.children == before
        assert shop.running.log.count("changing.py was changed") <= WORKERS


@pytest.mark.parametrize(
    ("setup", "paths"),
    [("gthread", ("/hold", "/stream")), ("gevent", ("/hold", "/stream", "/socket"))],
)
def test_a_request_that_never_ends_gets_its_grace_and_holds_up_nobody(
    setup: str, paths: tuple[str, ...], server: FakeServer, tmp_path: Path
) -> None:
    grace = ("--graceful-timeout", "1", "--keep-alive", "1")
    with recycling_gunicorn(server, tmp_path, *SETUPS[setup], *grace, troubled=True) as shop:
        first = set(shop.running.children)
        holding = [hold_request(shop.port, path) for path in paths]
        with http_load(shop.port, observe=shop.ready_workers) as clients:
            wait_until(lambda: not first & set(shop.running.children), 90, "all are replaced")
        for each in holding:
            each.join()
        assert clients.failed == []
        ends = [one for report in server.reports for one in report.exits]
        assert {one.reason for one in ends} == {ExitReason.RECYCLED}
        assert clients.min_observed >= WORKERS - 1


def test_a_sync_worker_whose_request_never_ends_goes_when_gunicorn_ends_it(
    server: FakeServer, tmp_path: Path
) -> None:
    with recycling_gunicorn(
        server, tmp_path, "-k", "sync", "--timeout", "6", troubled=True
    ) as shop:
        holding = hold_leaving_worker(shop)
        stuck = shop.await_leaving()
        with http_load(shop.port, observe=shop.ready_workers) as clients:
            wait_until(lambda: Hindrance.SIBLINGS in shop.hindrances(), 60, "the other waits")
            assert shop.recycled_exits == []
            holding.join()
            wait_until(lambda: server.exits_of(stuck, by_itself=True), 20, "it tells its end")
            assert server.exits_of(stuck, by_itself=True)[0].reason is ExitReason.TIMEOUT
            shop.await_recycled(1)
        assert clients.failed == []
        assert clients.min_observed >= WORKERS - 1


def hold_leaving_worker(shop: RecyclingGunicorn) -> Thread:
    """Send a request, and again where it ended while another run on this host had the turn."""
    holding = hold_request(shop.port, "/hold")
    wait_until(
        lambda: shop.leaving_reports() or not holding.is_alive(), 30, "it leaves, or is ended"
    )
    return holding if shop.leaving_reports() else hold_leaving_worker(shop)


def test_a_worker_that_never_goes_holds_up_its_siblings_but_no_other_gunicorn(
    server: FakeServer, tmp_path: Path
) -> None:
    deaf = ("-k", "deaf.DeafWorker", "--timeout", "0", "--graceful-timeout", "1")
    with (
        recycling_gunicorn(
            server, tmp_path / "first", *deaf, app="deaf:app", troubled=True
        ) as first,
        recycling_gunicorn(server, tmp_path / "second", "-k", "sync") as second,
    ):
        before = first.running.children
        first.running.try_get("/swell")
        first.await_leaving()
        with http_load(second.port, observe=second.ready_workers) as clients:
            wait_until(lambda: Hindrance.TURN in second.hindrances(), 30, "the other waits")
            wait_until(lambda: first.is_reason_reported("is still here"), 30, "it says so")
            second.await_recycled(WORKERS)
        with http_load(first.port):
            wait_until(
                lambda: first.is_reason_reported("has no replacement"), 30, "its sibling says so"
            )
        assert first.running.children == before
        assert clients.failed == []
        assert clients.min_observed >= WORKERS - 1
        first.running.signal(signal.SIGKILL)


def test_signals_to_the_master_in_the_middle_fail_no_request(
    server: FakeServer, tmp_path: Path
) -> None:
    with recycling_gunicorn(server, tmp_path, *GTHREAD_OPTIONS) as shop:
        with http_load(shop.port) as clients:
            shop.await_leaving()
            shop.running.signal(signal.SIGHUP)
            count = len(shop.recycled_exits)
            shop.await_ready()
            shop.await_recycled(count + 2)
            shop.await_leaving()
            shop.running.signal(signal.SIGTTIN)
            wait_until(lambda: shop.standing == (WORKERS + 1, WORKERS + 1), 30, "three are ready")
            shop.await_leaving()
            shop.running.signal(signal.SIGTTOU)
            wait_until(lambda: len(shop.running.children) == WORKERS, 30, "two are left")
            shop.running.signal(signal.SIGHUP)
            count = len(shop.recycled_exits)
            shop.await_ready()
            shop.await_recycled(count + 2)
        assert clients.failed == []


def test_another_gunicorn_takes_over_in_the_middle(server: FakeServer, tmp_path: Path) -> None:
    with recycling_gunicorn(server, tmp_path, *GTHREAD_OPTIONS) as shop:
        with http_load(shop.port) as clients:
            shop.await_leaving()
            shop.running.signal(signal.SIGUSR2)
            wait_until(lambda: replacements(server, shop), 60, "the new ones report")
            shop.running.signal(signal.SIGTERM)
            shop.running.wait(60)
            heir = replacements(server, shop)[0]
            wait_until(
                lambda: (
                    sum(each.worker.parent == heir for each in shop.leaving_reports()) > WORKERS
                ),
                60,
                "the new ones are recycled",
            )
        assert clients.failed == []


def replacements(server: FakeServer, shop: RecyclingGunicorn) -> list[int]:
    return [one.parent for one in server.workers.values() if one.parent != shop.running.pid]


def test_max_requests_in_the_middle_fail_none(server: FakeServer, tmp_path: Path) -> None:
    limits = ("--max-requests", "120", "--keep-alive", "4")
    with recycling_gunicorn(server, tmp_path, *GTHREAD_OPTIONS, *limits) as shop:
        with http_load(shop.port, pace=0.05) as clients:
            wait_until(
                lambda: any(
                    f"[{report.worker.pid}] [INFO] Autorestarting" in shop.running.log
                    for report in shop.leaving_reports()
                ),
                60,
                "one that leaves has had its requests",
            )
            shop.await_recycled(1)
        assert clients.failed == []


def test_the_turn_of_a_leaving_worker_that_is_killed_passes_on(
    server: FakeServer, tmp_path: Path
) -> None:
    with (
        recycling_gunicorn(server, tmp_path, *GTHREAD_OPTIONS, troubled=True) as shop,
        http_load(shop.port),
    ):
        wait_until(shop.leaving_reports, 60, "one is leaving")
        os.kill(shop.leaving_reports()[0].worker.pid, signal.SIGKILL)
        shop.await_recycled(WORKERS)


def test_two_gunicorns_of_a_host_take_turns(server: FakeServer, tmp_path: Path) -> None:
    with (
        recycling_gunicorn(server, tmp_path / "first", *GTHREAD_OPTIONS) as first,
        recycling_gunicorn(server, tmp_path / "second", *GTHREAD_OPTIONS) as second,
    ):
        with (
            http_load(
                first.port, observe=lambda: first.ready_workers() + second.ready_workers()
            ) as ours,
            http_load(second.port) as theirs,
        ):
            masters = {first.running.pid, second.running.pid}
            wait_until(
                lambda: {each.worker.parent for each in first.leaving_reports()} == masters,
                60,
                "both do",
            )
            first.await_recycled(2 * WORKERS)
        assert ours.failed == theirs.failed == []
        assert ours.min_observed == 2 * WORKERS - 1
