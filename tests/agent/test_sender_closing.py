import threading

import pytest
from tests.support.fake_server import HANG_REPLY, FakeServer, reply
from tests.support.sender_harness import SenderHarness, sample_numbers
from tests.support.wait import wait_until

from bugsly import sender as senders

pytestmark = pytest.mark.usefixtures("_soon")


def test_nothing_to_send_is_flushed_at_once(server: FakeServer, post: SenderHarness) -> None:
    assert post.sender.flush(0)
    assert server.received == []


def test_flushing_ends_in_time_while_the_server_is_silent(
    server: FakeServer, post: SenderHarness
) -> None:
    server.default_reply = HANG_REPLY
    post.put_samples()
    assert not post.sender.flush(0.05)


def test_closing_ends_a_sender_that_has_nothing_to_do(server: FakeServer) -> None:
    post = SenderHarness(server.dsn)
    post.sender.start()
    post.sender.close(10)
    assert not post.sender._thread.is_alive()
    assert server.received == []


def test_closing_makes_a_last_attempt_even_in_a_pause(server: FakeServer) -> None:
    post = SenderHarness(server.dsn)
    server.queued_replies.append(reply(503, "Service Unavailable", Retry_After="600"))
    post.sender.start()
    post.put_samples()
    wait_until(lambda: server.received, what="the first try")
    post.put_samples()
    post.sender.close(10)
    assert sample_numbers(server) == [1, 1, 2]
    assert not post.outbox


def test_closing_does_not_wait_for_a_silent_server(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(senders, "TIMEOUT_SECONDS", 600)
    server.default_reply = HANG_REPLY
    post = SenderHarness(server.dsn)
    post.sender.start()
    post.put_samples()
    wait_until(lambda: server.received, what="the first try")
    post.sender.close(0.1)
    assert "bugsly-sender" in [thread.name for thread in threading.enumerate()]


def test_putting_never_waits_for_the_server(server: FakeServer, post: SenderHarness) -> None:
    server.default_reply = HANG_REPLY
    post.put_samples()
    wait_until(lambda: server.received, what="the first try")
    post.put_samples(50_000)
    assert post.outbox.dropped > 0
