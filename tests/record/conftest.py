from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.pipeline_harness import PipelineHarness
from tests.support.pipeline_harness import pipeline_harness as opened


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[PipelineHarness]:
    with opened(tmp_path) as desk:
        yield desk
