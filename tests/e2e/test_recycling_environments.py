"""The safety net where there is little to write to, a limit of memory, or no way to leave."""

from pathlib import Path

import pytest
from tests.support.cgroup import memory_cgroup
from tests.support.fake_server import FakeServer
from tests.support.gunicorn import WORKERS
from tests.support.http_load import http_load
from tests.support.read_only_filesystem import read_only_prefix
from tests.support.recycling_gunicorn import GTHREAD_OPTIONS, recycling_gunicorn
from tests.support.wait import wait_until

from bugsly.protocol.safety_net import Hindrance


@pytest.mark.parametrize(
    ("options", "because"),
    [
        (("-k", "gevent_pywsgi"), "a gevent_pywsgi worker cannot leave"),
        ((*GTHREAD_OPTIONS, "--reuse-port"), "turn reuse_port off"),
    ],
)
def test_what_cannot_be_recycled_says_so_once(
    options: tuple[str, ...], because: str, server: FakeServer, tmp_path: Path
) -> None:
    with recycling_gunicorn(server, tmp_path, *options) as shop:
        before = shop.running.children
        wait_until(lambda: shop.hindrances() == {Hindrance.UNSUPPORTED}, 10, "it says so")
        assert shop.running.log.count(because) == WORKERS
        assert shop.running.children == before


def test_a_container_that_is_read_only_has_room_for_what_workers_tell_one_another(
    server: FakeServer, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    options = ("--worker-tmp-dir", str(own))
    with recycling_gunicorn(
        server, tmp_path, *GTHREAD_OPTIONS, *options, within=read_only_prefix(own, shared=True)
    ) as shop:
        with http_load(shop.port, observe=shop.ready_workers) as clients:
            shop.await_recycled(WORKERS)
        assert clients.failed == []
        assert clients.min_observed >= WORKERS - 1


def test_without_any_room_for_that_it_says_so(server: FakeServer, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    options = ("--worker-tmp-dir", str(own))
    with recycling_gunicorn(
        server, tmp_path, *GTHREAD_OPTIONS, *options, within=read_only_prefix(own, shared=False)
    ) as shop:
        wait_until(lambda: shop.hindrances() == {Hindrance.UNSUPPORTED}, 10, "it says so")
        assert shop.running.log.count("let /dev/shm be writable") == WORKERS


def test_a_share_is_of_what_the_cgroup_allows(server: FakeServer, tmp_path: Path) -> None:
    with (
        memory_cgroup(limit=1_000_000_000 >> 12 << 12) as cgroup,
        recycling_gunicorn(
            server,
            tmp_path,
            "-k",
            "sync",
            within=cgroup.command_inside([]),
            BUGSLY_RECYCLE_AT="24%",
        ) as shop,
        http_load(shop.port, clients=2, pace=0.05) as clients,
    ):
        shop.await_recycled(1)
        assert clients.failed == []
        assert all("passed 120 MB" in one.because for one in shop.recycled_exits)
