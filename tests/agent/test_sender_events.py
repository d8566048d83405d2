"""Events next to samples: sent once each, kept, paused and dropped as the server says."""

import pytest
from tests.support.fake_server import HANG_REPLY, FakeServer, ReplyBytes, reply
from tests.support.sender_harness import SenderHarness, sample_numbers
from tests.support.wait import wait_until

from bugsly.event_outbox import MAX_EVENTS_PER_ENVELOPE

pytestmark = pytest.mark.usefixtures("_soon")


def ids(server: FakeServer) -> list[str]:
    return [one["event_id"] for one in server.events]


def test_events_come_in_the_envelope_of_the_samples(
    server: FakeServer, post: SenderHarness
) -> None:
    post.outbox.put(b'{"number":1,"age":1,"anonymous":1}')
    made = post.put_events(3)
    assert post.sender.flush(10)
    assert ids(server) == made
    assert len(server.received) == 1


@pytest.mark.parametrize(
    "answer",
    [
        reply(500, "Internal Server Error"),
        reply(429, "Too Many Requests", Retry_After="0.05"),
        b"",
        HANG_REPLY,
    ],
    ids=["500", "429", "closed at once", "silence"],
)
def test_events_are_kept_and_sent_again_under_the_same_id(
    answer: ReplyBytes, server: FakeServer, post: SenderHarness
) -> None:
    server.queued_replies += [answer, answer]
    made = post.put_events(2)
    assert post.sender.flush(10)
    assert ids(server) == made * 3


def test_what_waited_comes_in_batches(server: FakeServer, post: SenderHarness) -> None:
    post.outbox.events._capacity = 10_000_000
    made = [one for _ in range(20) for one in post.put_events(10)]
    assert post.sender.flush(10)
    assert ids(server) == made
    assert max(len(one.events) for one in server.received) <= MAX_EVENTS_PER_ENVELOPE


def test_refused_events_are_dropped_and_counted(server: FakeServer, post: SenderHarness) -> None:
    server.queued_replies.append(reply(403, "Forbidden"))
    post.put_events(2)
    wait_until(lambda: post.outbox.events.refused == 2, what="the events are refused")
    made = post.put_events()
    assert post.sender.flush(10)
    assert ids(server)[2:] == made


def test_an_event_that_is_too_large_costs_nothing_else(
    server: FakeServer, post: SenderHarness
) -> None:
    server.queued_replies.append(reply(413, "Content Too Large"))
    post.outbox.put(b'{"number":1,"age":1,"anonymous":1}')
    large, other = post.put_events(2)
    assert post.sender.flush(10)
    assert ids(server) == [large, other, other]
    assert sample_numbers(server) == [1, 1]
    assert (post.outbox.events.refused, post.outbox.refused) == (1, 0)


@pytest.mark.parametrize("status", [(429, "Too Many Requests"), (503, "Service Unavailable")])
def test_a_limit_of_errors_keeps_them_back_and_lets_the_samples_go(
    status: tuple[int, str], server: FakeServer, post: SenderHarness
) -> None:
    server.queued_replies.append(
        reply(*status, X_Sentry_Rate_Limits="600:error;default:project:quota")
    )
    post.outbox.put(b'{"number":1,"age":1,"anonymous":1}')
    made = post.put_events()
    assert not post.sender.flush(0.5)
    assert sample_numbers(server) == [1, 1]
    assert [len(one.events) for one in server.received] == [1, 0]
    post.outbox.events._paused_until = 0.0
    assert post.sender.flush(10)
    assert ids(server) == made * 2


def test_a_rate_limit_with_an_accepting_reply_holds_for_later_events(
    server: FakeServer, post: SenderHarness
) -> None:
    server.queued_replies.append(reply(X_Sentry_Rate_Limits="600:error:project"))
    made = post.put_events()
    assert post.sender.flush(10)
    post.put_events()
    post.put_samples()
    assert not post.sender.flush(0.5)
    assert ids(server) == made
    assert sample_numbers(server) == [1]
