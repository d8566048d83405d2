import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.store.conformance.spool_backends import (
    BACKENDS,
    OpenSpool,
    append_one_by_one,
    append_together,
    entry,
    payloads,
)
from tests.support.event_loop import ThreadedEventLoop
from tests.support.wait import wait_until

from bugsly_server.store.ports import Spool


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> OpenSpool:
    return BACKENDS[request.param]


@pytest.fixture
def spool(backend: OpenSpool, tmp_path: Path) -> Iterator[Spool]:
    spool = backend(tmp_path)
    yield spool
    spool.close()


def test_entries_are_leased_in_the_order_they_were_appended(
    loop: ThreadedEventLoop, spool: Spool
) -> None:
    append_one_by_one(loop, spool, "a", "b", "c")
    assert payloads(spool.lease(2)) == ["a", "b"]
    assert payloads(spool.lease(2)) == ["c"]
    assert list(spool.lease(2)) == []


def test_an_entry_comes_back_as_it_was_with_an_id(loop: ThreadedEventLoop, spool: Spool) -> None:
    given = entry("\x00ü", project_id=7)
    append_together(loop, spool, [given])
    (leased,) = spool.lease(10)
    assert leased.id > 0
    assert leased._replace(id=0) == given


def test_what_is_acknowledged_is_gone_after_a_restart(
    loop: ThreadedEventLoop, backend: OpenSpool, tmp_path: Path
) -> None:
    spool = backend(tmp_path)
    append_one_by_one(loop, spool, "a", "b", "c")
    spool.acknowledge(spool.lease(2))
    spool.close()
    again = backend(tmp_path)
    assert (again.depth(), payloads(again.lease(9))) == (1, ["c"])
    again.close()


def test_what_was_only_leased_is_there_after_a_restart(
    loop: ThreadedEventLoop, backend: OpenSpool, tmp_path: Path
) -> None:
    spool = backend(tmp_path)
    append_one_by_one(loop, spool, "a", "b")
    spool.lease(2)
    spool.close()
    again = backend(tmp_path)
    assert payloads(again.lease(9)) == ["a", "b"]
    again.close()


def test_a_released_lease_is_leased_again(loop: ThreadedEventLoop, spool: Spool) -> None:
    append_one_by_one(loop, spool, "a", "b", "c")
    spool.lease(2)
    spool.release_leases()
    assert payloads(spool.lease(9)) == ["a", "b", "c"]


def test_what_is_acknowledged_is_not_leased_again_when_the_rest_is_released(
    loop: ThreadedEventLoop, spool: Spool
) -> None:
    append_one_by_one(loop, spool, "a", "b", "c")
    spool.acknowledge(spool.lease(1))
    spool.lease(2)
    spool.release_leases()
    assert payloads(spool.lease(9)) == ["b", "c"]


def test_the_depth_counts_what_waits_and_what_is_leased(
    loop: ThreadedEventLoop, spool: Spool
) -> None:
    append_one_by_one(loop, spool, "a", "b", "c")
    leased = spool.lease(2)
    assert spool.depth() == 3
    spool.acknowledge(leased)
    wait_until(lambda: spool.depth() == 1, what="forgetting what is acknowledged")


def test_many_concurrent_senders_lose_nothing(loop: ThreadedEventLoop, spool: Spool) -> None:
    async def send_all() -> None:
        await asyncio.gather(*(spool.append([entry(str(n))]) for n in range(500)))

    loop.run(send_all())
    assert sorted(map(int, payloads(spool.lease(1000)))) == list(range(500))


def test_an_entry_can_be_leased_as_soon_as_its_append_is_done(
    loop: ThreadedEventLoop, spool: Spool
) -> None:
    for number in range(50):
        append_one_by_one(loop, spool, str(number))
        assert payloads(spool.lease(10)) == [str(number)]


def test_a_reader_that_waits_is_woken_by_an_append(loop: ThreadedEventLoop, spool: Spool) -> None:
    woken = threading.Event()

    def wait() -> None:
        spool.wait(60)
        woken.set()

    reader = threading.Thread(target=wait)
    reader.start()
    append_one_by_one(loop, spool, "a")
    assert woken.wait(10)
    reader.join()


def test_a_lease_of_large_entries_is_bounded_and_misses_none(
    loop: ThreadedEventLoop, spool: Spool
) -> None:
    append_together(loop, spool, [entry(f"{n:02}" + "x" * 1_000_000) for n in range(20)])
    leases = [payloads(spool.lease(500)) for _ in range(20)]
    assert max(map(len, leases)) < 10
    assert [one[:2] for lease in leases for one in lease] == [f"{n:02}" for n in range(20)]


def test_the_hash_of_a_secret_comes_back_with_its_entry(
    loop: ThreadedEventLoop, spool: Spool
) -> None:
    proven = entry("a")._replace(secret_hash="ab" * 32)
    append_together(loop, spool, [proven, entry("b")])
    assert [one.secret_hash for one in spool.lease(2)] == ["ab" * 32, None]
