"""What the server asks for: read with suspicion, done one at a time, answered once."""

import json
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.fake_server import FakeServer, asking, reply
from tests.support.post import Post
from tests.support.wait import wait_until

from bugsly import asks as module
from bugsly import reply as replies
from bugsly.asks import MOST_WAITING, Asks
from bugsly.evidence import EvidenceDesk
from bugsly.guard import Guards
from bugsly.protocol.evidence import Answer, Ask
from bugsly.reply import LONGEST_WORD, MOST_ASKS, MOST_BODY, MOST_FILES, MOST_REQUESTS, parse_asks

TRIM = {"id": 3, "probe": "trim"}


def body(*asks: object) -> bytes:
    return json.dumps({"id": "", "ask": asks}).encode()


@pytest.mark.parametrize(
    ("told", "asks"),
    [
        (body(TRIM), (Ask(id=3, probe="trim"),)),
        (
            body({"id": 4, "probe": "source", "files": ["shop.views", "shop/app.py"]}),
            (Ask(id=4, probe="source", files=("shop.views", "shop/app.py")),),
        ),
        (
            body({"id": 5, "probe": "window", "requests": 300}),
            (Ask(id=5, probe="window", requests=300),),
        ),
        (body(TRIM, 7, None, {"id": 9}), (Ask(id=3, probe="trim"),)),
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
        (body({**TRIM, "requests": 1e300, "files": "/etc/passwd"}), (Ask(id=3, probe="trim"),)),
        (body({**TRIM, "requests": -5}), (Ask(id=3, probe="trim"),)),
        (
            body({**TRIM, "requests": 10**12}),
            (Ask(id=3, probe="trim", requests=MOST_REQUESTS),),
        ),
        (body({**TRIM, "files": [1, "x" * 501, "a"]}), (Ask(id=3, probe="trim", files=("a",)),)),
    ],
)
def test_asks_are_read_from_a_reply(told: bytes, asks: tuple[Ask, ...]) -> None:
    assert parse_asks(told) == asks


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.sampled_from(["id", "probe", "files", "requests", "ask"]), inner)
    ),
)


@given(JSON)
def test_whatever_is_asked_stays_within_bounds(told: object) -> None:
    asks = parse_asks(json.dumps({"ask": told}).encode())
    assert len(asks) <= MOST_ASKS
    for ask in asks:
        assert 0 < ask.id < 2**63
        assert 0 <= ask.requests <= MOST_REQUESTS
        assert len(ask.files) <= MOST_FILES
        assert all(len(word) <= LONGEST_WORD for word in (ask.probe, *ask.files))


def test_a_reply_is_read_by_the_sender(server: FakeServer, post: Post) -> None:
    server.answers.append(asking(Ask(id=1, probe="trim"), Ask(id=2, probe="source", files=("a",))))
    post.put()
    wait_until(lambda: len(post.asked) == 2, what="both asks")
    assert post.asked == [Ask(id=1, probe="trim"), Ask(id=2, probe="source", files=("a",))]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(reply(body=body(TRIM) + b" " * MOST_BODY), id="too long"),
        pytest.param(reply(body=body(TRIM))[:-5], id="broken off"),
        pytest.param(reply(503, body=body(TRIM)), id="of a server that did not take it"),
    ],
)
@pytest.mark.usefixtures("_soon")
def test_a_body_that_is_not_whole_asks_for_nothing(
    answer: bytes, server: FakeServer, post: Post
) -> None:
    server.answers.append(answer)
    post.put()
    wait_until(lambda: len(server.received) >= 1 and not post.outbox, what="it is settled")
    assert post.asked == []


def test_a_body_that_trickles_does_not_hold_the_samples_up(
    server: FakeServer, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replies, "LONGEST_BODY", -1.0)
    server.answers.append(asking(Ask(id=1, probe="trim")))
    post.put()
    wait_until(lambda: not post.outbox, what="it is settled")
    assert post.asked == []


class Desk:
    """Asks whose probe waits for the test."""

    def __init__(self) -> None:
        self.evidence = EvidenceDesk()
        self.guards = Guards()
        self.begun: list[int] = []
        self.go = threading.Event()
        self.threads: set[int] = set()
        self.asks = Asks({"slow": self._slow, "bad": self._fail}, self.evidence, self.guards)

    def _slow(self, ask: Ask) -> Answer:
        self.begun.append(ask.id)
        self.threads.add(threading.get_ident())
        assert self.go.wait(20)
        return Answer(ask=ask.id)

    def _fail(self, ask: Ask) -> Answer:
        raise OSError(ask.id)

    def put(self, *numbers: int, probe: str = "slow") -> None:
        self.asks.put([Ask(id=number, probe=probe) for number in numbers])

    @property
    def answers(self) -> list[Answer]:
        waiting = self.evidence.peek()
        return list(waiting.answers) if waiting else []

    def wait_for(self, count: int) -> list[Answer]:
        wait_until(lambda: len(self.answers) == count, what=f"{count} answers")
        return self.answers


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    made.go.set()
    wait_until(lambda: not made.asks._busy, what="the thread is gone")


def test_probes_are_done_one_after_the_other(desk: Desk) -> None:
    desk.put(1, 2)
    desk.put(3)
    wait_until(lambda: desk.begun, what="the first begins")
    assert desk.begun == [1]
    desk.go.set()
    assert [one.ask for one in desk.wait_for(3)] == [1, 2, 3]
    assert threading.get_ident() not in desk.threads


def test_what_was_asked_before_is_not_done_again(desk: Desk) -> None:
    desk.go.set()
    desk.put(1)
    desk.wait_for(1)
    desk.put(1, 1, 2)
    desk.wait_for(2)
    assert desk.begun == [1, 2]


def test_what_finds_no_room_can_be_asked_for_again(desk: Desk) -> None:
    desk.put(1)
    wait_until(lambda: desk.begun, what="the first begins")
    numbers = range(2, MOST_WAITING + 3)
    desk.put(*numbers)
    desk.go.set()
    desk.wait_for(1 + MOST_WAITING)
    desk.put(*numbers)
    desk.wait_for(2 + MOST_WAITING)
    assert desk.begun == [1, *numbers]


def test_a_probe_that_is_unknown_is_a_problem(desk: Desk) -> None:
    desk.put(1, probe="heap")
    (answer,) = desk.wait_for(1)
    assert answer.problem == "the probe 'heap' is unknown to this agent → update bugsly in the app"


def test_a_probe_that_fails_is_a_problem_and_the_next_one_is_done(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BUGSLY_STRICT")
    desk.go.set()
    desk.put(1, probe="bad")
    desk.put(2)
    first, second = desk.wait_for(2)
    assert (first.problem, second.problem) == (module.FAILED, "")
    assert desk.guards.failures == {"asks": 1}


def test_the_thread_ends_with_its_work(desk: Desk) -> None:
    desk.go.set()
    desk.put(1)
    desk.wait_for(1)
    wait_until(lambda: "bugsly-probe" not in names(), what="no thread of ours")


def names() -> list[str]:
    return [one.name for one in threading.enumerate()]
