"""Probe requests of the server: parsed within bounds, run one at a time, each once."""

import json
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.fake_server import FakeServer, reply, reply_with_probe_requests
from tests.support.sender_harness import SenderHarness
from tests.support.wait import wait_until

from bugsly import probe_requests as module
from bugsly import server_reply as replies
from bugsly.evidence_outbox import EvidenceOutbox
from bugsly.guard import Guards
from bugsly.probe_requests import MAX_WAITING_REQUESTS, ProbeRunner
from bugsly.probes.probe_budget import SPENT, ProbeBudget
from bugsly.protocol.evidence import ProbeRequest, ProbeResult
from bugsly.server_reply import (
    MAX_BODY_BYTES,
    MAX_PROBE_REQUESTS,
    MAX_REQUESTED_FILES,
    MAX_STRING_LENGTH,
    MAX_WINDOW_REQUESTS,
    parse_probe_requests,
)

TRIM = {"id": 3, "probe": "trim"}


def body(*asks: object) -> bytes:
    return json.dumps({"id": "", "ask": asks}).encode()


@pytest.mark.parametrize(
    ("reply_body", "requests"),
    [
        (body(TRIM), (ProbeRequest(id=3, probe="trim"),)),
        (
            body({"id": 4, "probe": "source", "files": ["shop.views", "shop/app.py"]}),
            (ProbeRequest(id=4, probe="source", files=("shop.views", "shop/app.py")),),
        ),
        (
            body({"id": 5, "probe": "window", "requests": 300}),
            (ProbeRequest(id=5, probe="window", requests=300),),
        ),
        (body(TRIM, 7, None, {"id": 9}), (ProbeRequest(id=3, probe="trim"),)),
        (b'{"id": ""}', ()),
        (b"", ()),
        (b"<html>", ()),
        (b"[1]", ()),
        (b'{"ask": {"id": 3}}', ()),
        (b"\xff\xfe", ()),
        (b"[" * 60_000, ()),
        (body({"id": True, "probe": "trim"}), ()),
        (body({"id": 2**63, "probe": "trim"}), ()),
        (body({"id": -1, "probe": "trim"}), ()),
        (body({"id": "3", "probe": "trim"}), ()),
        (body({"id": 3, "probe": ["trim"]}), ()),
        (
            body({**TRIM, "requests": 1e300, "files": "/etc/passwd"}),
            (ProbeRequest(id=3, probe="trim"),),
        ),
        (body({**TRIM, "requests": -5}), (ProbeRequest(id=3, probe="trim"),)),
        (body({**TRIM, "by_hand": True}), (ProbeRequest(id=3, probe="trim", by_hand=True),)),
        (body({**TRIM, "by_hand": 1}), (ProbeRequest(id=3, probe="trim"),)),
        (
            body({**TRIM, "requests": 10**12}),
            (ProbeRequest(id=3, probe="trim", requests=MAX_WINDOW_REQUESTS),),
        ),
        (
            body({**TRIM, "files": [1, "x" * 501, "a"]}),
            (ProbeRequest(id=3, probe="trim", files=("a",)),),
        ),
    ],
)
def test_probe_requests_are_parsed_from_a_reply(
    reply_body: bytes, requests: tuple[ProbeRequest, ...]
) -> None:
    assert parse_probe_requests(reply_body) == requests


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.sampled_from(["id", "probe", "files", "requests", "ask"]), inner)
    ),
)


@given(JSON)
def test_whatever_is_requested_stays_within_bounds(requests: object) -> None:
    parsed = parse_probe_requests(json.dumps({"ask": requests}).encode())
    assert len(parsed) <= MAX_PROBE_REQUESTS
    for request in parsed:
        assert 0 < request.id < 2**63
        assert 0 <= request.requests <= MAX_WINDOW_REQUESTS
        assert len(request.files) <= MAX_REQUESTED_FILES
        assert all(len(word) <= MAX_STRING_LENGTH for word in (request.probe, *request.files))


def test_a_reply_is_read_by_the_sender(server: FakeServer, post: SenderHarness) -> None:
    server.queued_replies.append(
        reply_with_probe_requests(
            ProbeRequest(id=1, probe="trim"), ProbeRequest(id=2, probe="source", files=("a",))
        )
    )
    post.put_samples()
    wait_until(lambda: len(post.probe_requests) == 2, what="both requests")
    assert post.probe_requests == [
        ProbeRequest(id=1, probe="trim"),
        ProbeRequest(id=2, probe="source", files=("a",)),
    ]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(reply(body=body(TRIM) + b" " * MAX_BODY_BYTES), id="too long"),
        pytest.param(reply(body=body(TRIM))[:-5], id="broken off"),
        pytest.param(reply(503, body=body(TRIM)), id="of a server that did not take it"),
    ],
)
@pytest.mark.usefixtures("_soon")
def test_a_body_that_is_not_whole_asks_for_nothing(
    answer: bytes, server: FakeServer, post: SenderHarness
) -> None:
    server.queued_replies.append(answer)
    post.put_samples()
    wait_until(lambda: len(server.received) >= 1 and not post.outbox, what="it is settled")
    assert post.probe_requests == []


def test_a_body_that_trickles_does_not_hold_the_samples_up(
    server: FakeServer, post: SenderHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replies, "MAX_BODY_SECONDS", -1.0)
    server.queued_replies.append(reply_with_probe_requests(ProbeRequest(id=1, probe="trim")))
    post.put_samples()
    wait_until(lambda: not post.outbox, what="it is settled")
    assert post.probe_requests == []


class ProbeRequestHarness:
    """A runner with a probe that waits for the test, and one that fails."""

    def __init__(self) -> None:
        self.evidence = EvidenceOutbox()
        self.guards = Guards()
        self.budget = ProbeBudget()
        self.started_ids: list[int] = []
        self.may_finish = threading.Event()
        self.threads: set[int] = set()
        self.runner = ProbeRunner(
            {"slow": self._slow, "bad": self._fail}, self.budget, self.evidence, self.guards
        )

    def _slow(self, request: ProbeRequest) -> ProbeResult:
        self.started_ids.append(request.id)
        self.threads.add(threading.get_ident())
        assert self.may_finish.wait(20)
        return ProbeResult(ask=request.id)

    def _fail(self, request: ProbeRequest) -> ProbeResult:
        raise OSError(request.id)

    def put(self, *numbers: int, probe: str = "slow") -> None:
        self.runner.put([ProbeRequest(id=number, probe=probe) for number in numbers])

    @property
    def answers(self) -> list[ProbeResult]:
        waiting = self.evidence.peek()
        return list(waiting.answers) if waiting else []

    def wait_for(self, count: int) -> list[ProbeResult]:
        wait_until(lambda: len(self.answers) == count, what=f"{count} answers")
        return self.answers


@pytest.fixture
def harness() -> Iterator[ProbeRequestHarness]:
    made = ProbeRequestHarness()
    yield made
    made.may_finish.set()
    wait_until(lambda: not made.runner._busy, what="the thread is gone")


def test_probes_run_one_after_the_other(harness: ProbeRequestHarness) -> None:
    harness.put(1, 2)
    harness.put(3)
    wait_until(lambda: harness.started_ids, what="the first begins")
    assert harness.started_ids == [1]
    harness.may_finish.set()
    assert [one.ask for one in harness.wait_for(3)] == [1, 2, 3]
    assert threading.get_ident() not in harness.threads


def test_a_request_seen_before_is_not_run_again(harness: ProbeRequestHarness) -> None:
    harness.may_finish.set()
    harness.put(1)
    harness.wait_for(1)
    harness.put(1, 1, 2)
    harness.wait_for(2)
    assert harness.started_ids == [1, 2]


def test_a_request_without_room_can_be_repeated(harness: ProbeRequestHarness) -> None:
    harness.put(1)
    wait_until(lambda: harness.started_ids, what="the first begins")
    numbers = range(2, MAX_WAITING_REQUESTS + 3)
    harness.put(*numbers)
    harness.may_finish.set()
    harness.wait_for(1 + MAX_WAITING_REQUESTS)
    harness.put(*numbers)
    harness.wait_for(2 + MAX_WAITING_REQUESTS)
    assert harness.started_ids == [1, *numbers]


def test_a_probe_that_is_unknown_is_a_problem(harness: ProbeRequestHarness) -> None:
    harness.put(1, probe="heap")
    (answer,) = harness.wait_for(1)
    assert answer.problem == "the probe 'heap' is unknown to this agent → update bugsly in the app"


def test_a_probe_that_fails_is_a_problem_and_the_next_one_is_done(
    harness: ProbeRequestHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BUGSLY_STRICT")
    harness.may_finish.set()
    harness.put(1, probe="bad")
    harness.put(2)
    first, second = harness.wait_for(2)
    assert (first.problem, second.problem) == (module.PROBE_FAILED, "")
    assert harness.guards.failures == {"asks": 1}


def test_the_thread_ends_with_its_work(harness: ProbeRequestHarness) -> None:
    harness.may_finish.set()
    harness.put(1)
    harness.wait_for(1)
    wait_until(lambda: "bugsly-probe" not in names(), what="no thread of ours")


def names() -> list[str]:
    return [one.name for one in threading.enumerate()]


def test_a_probe_beyond_the_budget_is_refused_and_says_so(harness: ProbeRequestHarness) -> None:
    harness.budget.spend(600)
    harness.may_finish.set()
    harness.put(1)
    (answer,) = harness.wait_for(1)
    assert answer.problem == SPENT.format(600, 0.5)
    assert harness.started_ids == []


def test_a_person_may_still_request_it(harness: ProbeRequestHarness) -> None:
    harness.budget.spend(600)
    harness.may_finish.set()
    harness.runner.put([ProbeRequest(id=1, probe="slow", by_hand=True)])
    harness.wait_for(1)
    assert harness.started_ids == [1]


def test_what_a_failed_probe_took_is_counted(
    harness: ProbeRequestHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BUGSLY_STRICT")
    monkeypatch.setattr(module, "probe_cost", lambda *_: 600.0)
    harness.put(1, probe="bad")
    harness.wait_for(1)
    assert harness.budget.refusal(by_hand=False)
