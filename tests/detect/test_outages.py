"""When an app, a channel, the digest or a backup counts as stopped, and what is alerted."""

from typing import Any

import pytest
from tests.support.clock import START
from tests.support.issues import outage_issue
from tests.support.stored_workers import stored_worker

from bugsly.protocol.memory import ExitReason
from bugsly_server.clock import DAY, HOUR, MINUTE, Micros
from bugsly_server.detect.outages import (
    failing_channel,
    late_digest,
    next_outage_change,
    old_backup,
    silent_app,
)
from bugsly_server.model.issue import IssueState
from bugsly_server.model.outage import ChannelFailure, Outage, OutageIssue, OutageKind
from bugsly_server.model.worker import Worker

SILENCE = 10 * MINUTE
LONG_AGO: Micros = START - 30 * DAY
REPORTING = stored_worker(2, seen_at=START + 14 * MINUTE)


def ended(reason: ExitReason, **changes: Any) -> Worker:
    facts = {"ended_at": START, "exit_reason": reason, "exit_code": 1}
    return stored_worker(9, **(facts | changes))


def found(
    *living: Worker,
    last_ended: Worker | None = None,
    silence: Micros = SILENCE,
    watched_since: Micros | None = LONG_AGO,
    after: Micros = 15 * MINUTE,
) -> Outage | None:
    ended_workers = [] if last_ended is None else [last_ended]
    return silent_app(living, ended_workers, silence, watched_since, START + after)


def test_an_app_whose_workers_are_all_silent_is_out() -> None:
    outage = found(stored_worker(1), stored_worker(2, seen_at=START - MINUTE))
    assert outage is not None
    assert outage.because == (
        "none of its 2 workers has reported for 15 min, and no goodbye came; the last was"
        " web-1 pid 4001 → see whether the app and its host run, and reach this server"
    )


@pytest.mark.parametrize("reason", [ExitReason.KILLED, ExitReason.OUT_OF_MEMORY])
def test_an_app_whose_last_worker_was_killed_is_out(reason: ExitReason) -> None:
    outage = found(last_ended=ended(reason))
    assert outage is not None
    assert outage.because.startswith("its worker has not reported for 15 min, and no goodbye came")


@pytest.mark.parametrize(
    ("case", "living", "changes"),
    [
        (
            "one worker reports",
            [stored_worker(1), stored_worker(2, seen_at=START + 14 * MINUTE)],
            {},
        ),
        ("too early to say", [stored_worker(1)], {"after": 9 * MINUTE}),
        ("it is switched off", [stored_worker(1)], {"silence": 0}),
        ("nothing ever reported", [], {}),
        ("the last said goodbye", [], {"last_ended": ended(ExitReason.TERMINATED)}),
        ("the server has just started", [stored_worker(1)], {"watched_since": START + 8 * MINUTE}),
        ("it was left long ago", [stored_worker(1)], {"after": 2 * DAY}),
        ("it samples once an hour", [stored_worker(1, every=HOUR)], {"after": 2 * HOUR}),
        ("only an SDK measured it", [stored_worker(1, machine="")], {}),
        (
            "a killed worker was replaced",
            [REPORTING],
            {"last_ended": ended(ExitReason.KILLED)},
        ),
    ],
)
def test_no_alarm_where(case: str, living: list[Worker], changes: dict[str, Any]) -> None:
    assert found(*living, **changes) is None, case


def test_an_app_that_is_known_to_be_out_stays_so_until_it_reports() -> None:
    for after in (11 * MINUTE, 3 * DAY):
        assert found(stored_worker(1), watched_since=None, after=after) is not None
    assert found(stored_worker(1), watched_since=None, after=MINUTE) is None


@pytest.mark.parametrize(
    ("age", "is_late"), [(None, False), (4 * MINUTE, False), (5 * MINUTE, True)]
)
def test_the_digest_is_late_after_five_minutes(age: Micros | None, is_late: bool) -> None:  # noqa: FBT001
    outage = late_digest(None if age is None else START - age, START)
    assert (outage is not None) == is_late


@pytest.mark.parametrize(
    ("age", "because"),
    [
        (DAY, None),
        (30 * HOUR, "the newest was made 1.2 d ago"),
        (None, "none is where BUGSLY_BACKUP_FILE points"),
    ],
)
def test_a_backup_is_old_after_its_hours(age: Micros | None, because: str | None) -> None:
    outage = old_backup(None if age is None else START - age, 26 * HOUR, START)
    assert (outage is None) == (because is None)
    assert outage is None or outage.because.startswith(f"{because}, and 26 h are allowed → ")


CHANNEL = failing_channel(
    ChannelFailure(7, "on call", 3, "a.test: no answer → see whether it is up")
)


def known(state: IssueState, changed_at: Micros = START - HOUR) -> OutageIssue:
    return outage_issue(fingerprint=CHANNEL.fingerprint, state=state, changed_at=changed_at)


def test_the_channels_outage_is_its_own() -> None:
    assert CHANNEL.fingerprint == "1/outage/channel/7"
    assert known(IssueState.OPEN).kind is OutageKind.CHANNEL
    assert CHANNEL.because == (
        "it did not accept an alert, tried 3 times in a row: a.test: no answer"
        " → fix it, then send a test on the alerts page"
    )


@pytest.mark.parametrize(
    ("issue", "outage", "kind"),
    [
        (None, None, None),
        (None, CHANNEL, "opened"),
        (known(IssueState.OPEN), CHANNEL, None),
        (known(IssueState.OPEN), None, "resolved"),
        (known(IssueState.RESOLVED), None, None),
        (known(IssueState.RESOLVED), CHANNEL, "came back"),
        (known(IssueState.RESOLVED, START - 9 * MINUTE), CHANNEL, None),
    ],
)
def test_an_outage_is_alerted_once_and_its_end_once(
    issue: OutageIssue | None, outage: Outage | None, kind: str | None
) -> None:
    change = next_outage_change(issue, outage, START)
    assert (None if change is None else change.kind) == kind
    assert change is None or change.at == START
