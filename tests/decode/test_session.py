"""Sessions of any quality are decoded into tallies, or counted as skipped."""

from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.clock import START

from bugsly_server.clock import DAY, MINUTE, SECOND
from bugsly_server.decode.session import SessionTally, decode_sessions
from bugsly_server.model.session_counts import SessionCounts

RELEASE = {"attrs": {"release": "1.0", "environment": "test"}}


def decoded(session: Any) -> list[SessionTally]:
    return decode_sessions(msgspec.json.encode(session), START, Counter())


def test_aggregates_are_one_tally_each() -> None:
    aggregates = [{"exited": 9, "errored": 2, "crashed": 1}, "x", {"exited": -1}]
    assert decoded(RELEASE | {"aggregates": aggregates}) == [
        SessionTally("1.0", "test", START, SessionCounts(12, 2, 1)),
        SessionTally("1.0", "test", START, SessionCounts(0, 0, 0)),
    ]


def test_a_session_that_starts_and_crashes_is_two_tallies_and_the_crash_can_be_deduplicated() -> (
    None
):
    started, crashed = decoded(RELEASE | {"sid": "a", "init": True, "status": "crashed"})
    assert (started.counts, started.dedupe_key) == (SessionCounts(1, 0, 0), None)
    assert crashed.counts == SessionCounts(0, 0, 1)
    (repeated,) = decoded(RELEASE | {"sid": "a", "status": "crashed"})
    assert repeated.dedupe_key == crashed.dedupe_key is not None


@pytest.mark.parametrize(
    ("started", "at"),
    [
        ((START - MINUTE) / SECOND, START - MINUTE),
        ((START - 31 * DAY) / SECOND, START),
        ((START + MINUTE) / SECOND, START),
        ("nonsense", START),
    ],
)
def test_an_implausible_start_is_replaced_by_the_arrival(started: object, at: int) -> None:
    (tally,) = decoded(RELEASE | {"init": True, "started": started})
    assert tally.started_at == at


@given(
    st.recursive(
        st.none() | st.text() | st.integers(-(1 << 63), (1 << 63) - 1), st.lists, max_leaves=5
    )
)
def test_no_session_does_more_than_be_skipped(value: object) -> None:
    skipped: Counter[str] = Counter()
    decode_sessions(msgspec.json.encode({"attrs": value, "aggregates": value}), START, skipped)
    assert set(skipped) <= {"session without a release"}
