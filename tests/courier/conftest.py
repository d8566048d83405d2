"""What carrying alerts takes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.alerts import Alerts
from tests.support.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def alerts(tmp_path: Path) -> Iterator[Alerts]:
    made = Alerts(tmp_path)
    yield made
    made.database.close()
