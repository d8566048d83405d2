"""A short run of `make chaos`; full and stalled disks have tests of their own."""

import pytest
from tools.chaos.faults import possible_faults
from tools.chaos.rounds import bench_of, run_rounds

FAULTS = ("clock step", "kill -9", "damaged file")


@pytest.mark.timeout(240)
def test_nothing_acknowledged_is_lost_whatever_happens_to_the_server() -> None:
    with bench_of(seed=1) as bench:
        possible = possible_faults(bench.disk, bench.served)
        faults = [name for name in FAULTS if name in possible]
        *_, outcome = run_rounds(bench, faults)
    assert outcome.rounds.total() == len(faults) >= 2
    assert outcome.acknowledged > 60 * len(faults)
