import logging
from pathlib import Path

import pytest
from tests.support.fake_server import HANG_REPLY, PROJECT_KEY, FakeServer, ReplyBytes, reply
from tests.support.protocol_values import worker
from tests.support.self_signed_certificate import self_signed_context
from tests.support.sender_harness import SenderHarness, sample_numbers
from tests.support.wait import wait_until

from bugsly import sender as senders
from bugsly.protocol.memory import Exit, ExitReason

pytestmark = pytest.mark.usefixtures("_soon")


def test_samples_arrive_in_order_and_once(server: FakeServer, post: SenderHarness) -> None:
    for _ in range(5):
        post.put_samples(3)
        assert post.sender.flush(10)
    assert sample_numbers(server) == list(range(1, 16))


def test_a_report_is_posted_as_sentrys_clients_post(
    server: FakeServer, post: SenderHarness
) -> None:
    post.put_samples()
    assert post.sender.flush(10)
    (received,) = server.received
    assert received.path == "/api/1/envelope/"
    assert received.headers["Content-Type"] == "application/x-sentry-envelope"
    assert received.headers["Content-Encoding"] == "gzip"
    assert received.headers["X-Sentry-Auth"] == f"Sentry sentry_version=7, sentry_key={PROJECT_KEY}"
    assert received.headers["User-Agent"].startswith("bugsly/")
    assert server.workers == {worker().id: worker()}


def test_what_waited_comes_in_batches_of_bounded_size(server: FakeServer) -> None:
    post = SenderHarness(server.dsn)
    post.put_samples(10_000)
    post.sender.start()
    assert post.sender.flush(10)
    post.sender.close(5)
    assert sample_numbers(server) == list(range(1, 10_001))
    assert len(server.received) > 2
    assert max(one.size for one in server.received) < 2 * senders.MAX_BATCH_BYTES


def test_exits_come_with_the_samples(server: FakeServer, post: SenderHarness) -> None:
    ended = Exit(worker=worker().id, reason=ExitReason.QUIT)
    post.outbox.put_exit(ended)
    post.put_samples()
    assert post.sender.flush(10)
    (report,) = server.reports
    assert (len(report.samples), report.exits) == (1, (ended,))


@pytest.mark.parametrize(
    "answer",
    [
        reply(500, "Internal Server Error"),
        reply(502, "Bad Gateway"),
        reply(301, "Moved Permanently", Location="https://bugsly.test/"),
        reply(429, "Too Many Requests", Retry_After="0.05"),
        reply(503, "Service Unavailable", Retry_After="0.05"),
        b"",
        b"HTTP/1.1 20",
        b"SSH-2.0-OpenSSH_9.2p1\r\n",
        b"HTTP/1.1 yes please\r\n\r\n",
        b"\x00" * 70_000,
        HANG_REPLY,
    ],
    ids=[
        "500",
        "502",
        "redirect",
        "429",
        "503",
        "closed at once",
        "closed in the status",
        "another protocol",
        "no status",
        "no end of line",
        "silence",
    ],
)
def test_samples_are_kept_and_sent_again_after(
    answer: ReplyBytes, server: FakeServer, post: SenderHarness
) -> None:
    server.queued_replies += [answer, answer]
    post.put_samples(3)
    assert post.sender.flush(10)
    assert sample_numbers(server) == [1, 2, 3] * 3
    assert post.outbox.dropped == post.outbox.refused == 0


def test_a_reply_that_breaks_off_after_its_head_counts_as_taken(
    server: FakeServer, post: SenderHarness
) -> None:
    server.queued_replies.append(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{")
    post.put_samples()
    assert post.sender.flush(10)
    assert sample_numbers(server) == [1]


def test_a_pause_the_server_asks_for_is_kept(server: FakeServer, post: SenderHarness) -> None:
    server.queued_replies.append(reply(429, "Too Many Requests", Retry_After="600"))
    post.put_samples()
    wait_until(lambda: server.received, what="the first try")
    post.put_samples()
    assert not post.sender.flush(0.3)
    assert len(server.received) == 1


def test_pauses_grow_with_every_failure_until_the_server_answers(
    server: FakeServer, post: SenderHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts: list[int] = []

    def pause(attempt: int, _retry_after: float) -> float:
        attempts.append(attempt)
        return 0.01

    monkeypatch.setattr(senders, "retry_delay", pause)
    for failures in (3, 2):
        server.queued_replies += [reply(502, "Bad Gateway")] * failures
        post.put_samples()
        assert post.sender.flush(10)
    assert attempts == [1, 2, 3, 1, 2]


def test_what_is_refused_is_dropped_and_counted(server: FakeServer, post: SenderHarness) -> None:
    server.queued_replies.append(reply(403, "Forbidden"))
    post.put_samples(3)
    wait_until(lambda: post.outbox.refused == 3, what="the samples are refused")
    post.put_samples()
    assert post.sender.flush(10)
    assert sample_numbers(server) == [1, 2, 3, 4]
    assert server.reports[-1].lost == {"dropped": 0, "refused": 3}


def test_dropped_samples_are_logged_once_the_server_is_back(server: FakeServer) -> None:
    post = SenderHarness(server.dsn, capacity=500)
    server.default_reply = reply(503, "Service Unavailable")
    post.put_samples(100)
    kept, _ = post.outbox.peek(1000)
    post.sender.start()
    wait_until(lambda: server.received, what="the first try")
    server.default_reply = reply()
    assert post.sender.flush(10)
    post.sender.close(5)
    last = server.reports[-1]
    assert len(last.samples) == len(kept)
    assert last.lost["dropped"] == 100 - len(kept) > 0
    assert [one.number for one in last.samples][-1] == 100


def test_a_server_that_comes_late_gets_all(caplog: pytest.LogCaptureFixture) -> None:
    server = FakeServer()
    post = SenderHarness(server.dsn)
    post.sender.start()
    post.put_samples(2)
    wait_until(lambda: caplog.records, what="a complaint")
    post.put_samples(2)
    assert not post.sender.flush(0.1)
    with server:
        assert post.sender.flush(10)
    post.sender.close(5)
    assert sample_numbers(server) == [1, 2, 3, 4]


def test_a_complaint_and_the_recovery_are_one_line_each(
    server: FakeServer, post: SenderHarness, caplog: pytest.LogCaptureFixture
) -> None:
    server.queued_replies += [reply(502, "Bad Gateway")] * 4
    post.put_samples()
    assert post.sender.flush(10)
    wait_until(lambda: len(caplog.records) == 2, what="the recovery is logged")
    address = f"Bugsly at http://127.0.0.1:{server.port}"
    waits = "samples wait in the worker, up to 1 MB, until it answers"
    assert caplog.messages == [
        f"{address}: it answered 502 Bad Gateway → {waits}",
        f"{address}: it answers again; 0 samples were dropped meanwhile",
    ]
    assert {record.levelno for record in caplog.records} == {logging.WARNING}


def test_a_server_that_answers_otherwise_each_time_does_not_fill_the_log(
    server: FakeServer, post: SenderHarness, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(2):
        server.queued_replies += [reply(502, f"Lie {number}"), reply(200)]
        post.put_samples()
        assert post.sender.flush(20)
    wait_until(lambda: len(caplog.records) == 2, what="the recovery is logged")
    assert "Lie 0" in caplog.messages[0]


def test_an_untrusted_certificate_is_refused(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with FakeServer(tls=self_signed_context(tmp_path)) as server:
        post = SenderHarness(server.dsn)
        post.sender.start()
        post.put_samples()
        wait_until(lambda: caplog.records, what="a complaint")
        post.sender.close(5)
        assert server.received == []
    assert caplog.messages[0] == (
        f"Bugsly at https://127.0.0.1:{server.port}: its certificate is not trusted"
        " (self-signed certificate)"
        " → give it a trusted one, or name its authority's file in SSL_CERT_FILE"
    )
    assert post.outbox


def test_a_certificate_whose_authority_is_named_is_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = self_signed_context(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    with FakeServer(tls=context) as server:
        post = SenderHarness(server.dsn)
        post.sender.start()
        post.put_samples()
        assert post.sender.flush(10)
        post.sender.close(5)
        assert sample_numbers(server) == [1]
