"""Which leaks of libraries are too slight to report."""

from typing import Any

import pytest
from tests.support.diagnoses import diagnosis
from tests.support.leak_evidence import leak_evidence, worker_history

from bugsly_server.diagnose.growth.memory_growth import MemoryGrowth, measure_memory_growth
from bugsly_server.diagnose.slight_leaks import MAX_SLIGHT_BYTES_PER_REQUEST, downgrade_trifle

STILL = measure_memory_growth(leak_evidence(worker_history()), [])
FAST = measure_memory_growth(
    leak_evidence(worker_history(memory=lambda sofar: 5_000 * sofar.requests)), [1]
)
SLIGHT = {"library": "lib 1.0", "bytes_per_request": MAX_SLIGHT_BYTES_PER_REQUEST - 1}


@pytest.mark.parametrize(
    ("facts", "memory", "is_leak"),
    [
        ({}, STILL, False),
        ({}, FAST, True),
        ({"library": None}, STILL, True),
        ({"library": "python 3.11.7"}, STILL, True),
        ({"known_leak": "lib-seen"}, STILL, True),
        ({"bytes_per_request": MAX_SLIGHT_BYTES_PER_REQUEST}, STILL, True),
        ({"bytes_per_request": 0.0}, STILL, True),
    ],
)
def test_only_a_slight_and_unknown_leak_of_a_library_is_a_trifle_and_only_while_memory_is_calm(
    facts: dict[str, Any],
    memory: MemoryGrowth,
    is_leak: bool,  # noqa: FBT001
) -> None:
    assert downgrade_trifle(diagnosis(**{**SLIGHT, **facts}), memory).is_leak is is_leak
