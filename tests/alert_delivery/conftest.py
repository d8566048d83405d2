"""Fixtures of alert delivery."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.alert_harness import AlertHarness
from tests.support.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def alerts(tmp_path: Path) -> Iterator[AlertHarness]:
    made = AlertHarness(tmp_path)
    yield made
    made.database.close()
