"""The rules of monitors that see resident memory alone."""

import pytest
from tools.accuracy.peers.monitors import RssPoints, alarms, coroot, rss_threshold

MB = 10**6
FLAT = [(float(t), 50 * MB) for t in range(40)]
LINE = [(float(t), (50 + t) * MB) for t in range(40)]
PLATEAU = [(float(t), (50 + min(t, 15)) * MB) for t in range(40)]
RESTARTED = [*LINE, *((40.0 + t, (20 + t) * MB) for t in range(10))]


@pytest.mark.parametrize(
    ("points", "threshold", "rule"),
    [
        (FLAT, False, False),
        (LINE, True, True),
        (PLATEAU, True, False),
        (LINE[:9], False, False),
        (RESTARTED, False, True),
        ([], False, False),
    ],
    ids=["flat", "line", "plateau", "short", "restarted", "nothing"],
)
def test_what_each_says(points: RssPoints, threshold: bool, rule: bool) -> None:  # noqa: FBT001
    assert (rss_threshold(points), coroot(points)) == (threshold, rule)


def test_one_worker_is_enough_to_alarm() -> None:
    assert alarms({"7": FLAT, "8": LINE}) == {"RSS +20 %": True, "Coroot's rule": True}
