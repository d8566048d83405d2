import asyncio
import os
import threading

import pytest
from tests.support.wait import wait_until
from tools.bench.processes import rss

from bugsly_server.web.passwords import MAX_WAITING_CHECKS, CheckQueue, TooManyChecks, hash_password

THREADS = 6


def test_one_password_is_checked_at_a_time_and_few_wait() -> None:
    async def flood() -> tuple[int, int]:
        strangers, running, most = CheckQueue(), 0, 0

        async def check() -> None:
            nonlocal running, most
            async with strangers.turn():
                running += 1
                most = max(most, running)
                await asyncio.sleep(0)
                running -= 1

        ended = await asyncio.gather(*(check() for _ in range(100)), return_exceptions=True)
        return most, sum(isinstance(one, TooManyChecks) for one in ended)

    assert asyncio.run(flood()) == (1, 100 - MAX_WAITING_CHECKS)


def test_a_queue_that_was_full_takes_more_once_it_moved() -> None:
    async def refill() -> None:
        queue = CheckQueue()
        for _ in range(3):
            async with queue.turn():
                others = [asyncio.ensure_future(_take(queue)) for _ in range(MAX_WAITING_CHECKS)]
                await asyncio.sleep(0)
                with pytest.raises(TooManyChecks):
                    await _take(queue)
            ended = await asyncio.gather(*others, return_exceptions=True)
            assert sum(one is None for one in ended) == MAX_WAITING_CHECKS - 1

    asyncio.run(refill())


async def _take(queue: CheckQueue) -> None:
    async with queue.turn():
        pass


def test_threads_that_have_passwords_checked_keep_no_memory_of_it() -> None:
    """Each would keep 19 MB for as long as it lives."""
    may_end = threading.Barrier(THREADS + 1)

    def hash_and_stay() -> None:
        hash_password("correct horse")
        may_end.wait()

    hash_password("correct horse")
    before = rss(os.getpid())
    threads = [threading.Thread(target=hash_and_stay) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    wait_until(lambda: may_end.n_waiting == THREADS, 60, "all hashes")
    growth = rss(os.getpid()) - before
    may_end.wait()
    for thread in threads:
        thread.join()
    assert growth < 50_000_000
