"""How many events may be sent, and with which keys."""

from tests.support.clock import START

from bugsly_server.clock import MINUTE
from bugsly_server.ingest.quota import SDK_SHARE, Quota


def test_strangers_with_an_sdk_key_leave_a_part_of_the_quota_to_agents() -> None:
    quota = Quota(10, 1_000, lambda _project_id, _since: 0)
    quota.add_usage(1, 7, START)
    assert quota.pause_seconds(1, START, SDK_SHARE) == 0
    quota.add_usage(1, 1, START)
    assert quota.pause_seconds(1, START, SDK_SHARE) > 0
    assert quota.pause_seconds(1, START) == 0
    quota.add_usage(1, 2, START)
    assert quota.pause_seconds(1, START) > 0
    assert quota.pause_seconds(1, START + MINUTE, SDK_SHARE) == 0
