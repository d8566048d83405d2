"""What counts time goes on when somebody sets the clock."""

import pytest
from tests.support.clock import START, FakeClock

from bugsly_server.clock import DAY, HOUR, MINUTE, SECOND, ClockWatch, Micros, has_passed
from bugsly_server.ingest.project_secret_names import RELOAD_INTERVAL, ProjectSecretNames
from bugsly_server.ingest.quota import Quota, QuotaLimits
from bugsly_server.record.alert_rate_limit import MAX_ALERTS_PER_HOUR, AlertRateLimit


@pytest.mark.parametrize(
    ("since", "passed"),
    [(-HOUR, True), (-MINUTE, True), (-SECOND, False), (0, False), (SECOND, False), (HOUR, True)],
    ids=["long ago", "just over", "lately", "now", "out of order", "set back"],
)
def test_a_span_has_passed_unless_it_began_lately(since: Micros, *, passed: bool) -> None:
    assert has_passed(MINUTE, START + since, START) is passed


def test_a_watch_notices_steps_and_no_drift() -> None:
    clock = FakeClock()
    watch = ClockWatch(clock)
    for _ in range(100):
        clock.advance(MINUTE)
        clock.set(SECOND)
        assert watch.undisturbed_since() == START
    clock.set(-DAY)
    assert watch.undisturbed_since() == clock()
    since = clock()
    clock.advance(HOUR)
    assert watch.undisturbed_since() == since


def test_new_secret_names_are_followed_after_the_clock_is_set_back() -> None:
    names: dict[int, tuple[str, ...]] = {}
    clock, secret_names = FakeClock(), ProjectSecretNames(lambda: dict(names))
    assert secret_names.of_project(1, clock()) == ()
    names[1] = ("shibboleth",)
    clock.set(-400 * DAY)
    clock.advance(RELOAD_INTERVAL)
    assert secret_names.of_project(1, clock()) == ("shibboleth",)


@pytest.mark.parametrize("step", [-400 * DAY, -DAY, DAY, 400 * DAY])
def test_a_step_does_not_forget_what_a_project_has_sent_today(step: Micros) -> None:
    limits = QuotaLimits(10**6, 5, 10**6, 100)
    quota = Quota(limits, lambda _project, _since: 5, lambda _project, _since: 0)
    for now in (START, START + step, START):
        assert 0 < quota.pauses(1, "k", 1.0, now).events <= DAY // SECOND


def test_alerts_go_out_after_the_clock_is_set_back() -> None:
    limit = AlertRateLimit()
    for _ in range(MAX_ALERTS_PER_HOUR):
        assert limit.may_alert(1, START + 400 * DAY)
    assert not limit.may_alert(1, START + 400 * DAY)
    assert limit.may_alert(1, START)
