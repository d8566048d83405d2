"""How many events may be sent, and with which keys."""

from tests.support.clock import START

from bugsly_server.clock import MINUTE, Micros
from bugsly_server.ingest.quota import SDK_SHARE, Quota, QuotaLimits


def test_strangers_with_an_sdk_key_leave_a_part_of_the_quota_to_agents() -> None:
    limits = QuotaLimits(10, 1_000, 10**6, 100)
    quota = Quota(limits, lambda _project_id, _since: 0, lambda _project_id, _since: 0)

    def pause(share: float, at: Micros = START) -> int:
        return quota.pauses(1, "k", share, at).events

    quota.add_events(1, 7, START)
    assert pause(SDK_SHARE) == 0
    quota.add_events(1, 1, START)
    assert pause(SDK_SHARE) > 0
    assert pause(1.0) == 0
    quota.add_events(1, 2, START)
    assert pause(1.0) > 0
    assert pause(SDK_SHARE, START + MINUTE) == 0
