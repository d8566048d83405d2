from collections.abc import Iterator

import pytest
from tests.support.loop import Loop, running_loop


@pytest.fixture
def loop() -> Iterator[Loop]:
    with running_loop() as loop:
        yield loop
