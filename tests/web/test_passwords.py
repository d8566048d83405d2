import asyncio

import pytest

from bugsly_server.web.passwords import MAX_WAITING_CHECKS, CheckQueue, TooManyChecks


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
