from collections.abc import Iterator

import pytest
from tests.support.event_loop import ThreadedEventLoop, running_loop


@pytest.fixture
def loop() -> Iterator[ThreadedEventLoop]:
    with running_loop() as loop:
        yield loop
