"""The safety net of one worker, with a way to leave that writes down what was asked of it."""

import logging
import threading
import time
from collections.abc import Callable
from itertools import chain, cycle, repeat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.support.fake_agent import FakeAgent
from tests.support.wait import wait_until

from bugsly.protocol.memory import Exit, ExitReason
from bugsly.protocol.net import Hindrance, Net, NetState
from bugsly.recycle import net as nets
from bugsly.recycle import policy
from bugsly.recycle.board import Board, Post, Standing, open_board
from bugsly.recycle.limit import RecycleAt
from bugsly.recycle.net import SafetyNet
from bugsly.recycle.way import ByHand, NoWay

FRESH, SWOLLEN = 40_000_000, 120_000_000
ALWAYS = RecycleAt(size=100_000_000)
NEVER = RecycleAt(size=1 << 60)
POST = Post("7", 1, 1)


class FakeWay(NoWay):
    """Notes in *told* what is asked of it; it is drained when asked the second time."""

    obstacle = ""
    grace = 10.0

    def __init__(self, told: list[str], standing: Callable[[], Standing]) -> None:
        self._told = told
        self._standing = standing

    @property
    def post(self) -> Post:
        return POST

    def refuse(self) -> None:
        self._told.append(f"refuse, {self._standing().ready} ready")

    def drained(self) -> bool:
        self._told.append("drained?")
        return self._told.count("drained?") == 2

    def stop(self) -> None:
        self._told.append("stop")


class Desk:
    """The net, and all it touches."""

    def __init__(self, board: Board | None) -> None:
        self.told: list[str] = []
        self.fake = FakeAgent()
        self.fake.options = SimpleNamespace(
            recycle_age=0.0, recycles_per_hour=20, dsn="http://key@server/1", environment="test"
        )
        self.board = board
        self.way: Any = FakeWay(self.told, lambda: self.standing)

    @property
    def standing(self) -> Standing:
        assert self.board is not None
        return self.board.standing()

    def start(self, limit: RecycleAt) -> SafetyNet:
        agent: Any = self.fake
        agent.last_words = lambda: self.told.append(f"last words, {self.standing.ready} ready")
        net = SafetyNet(agent, self.way, limit)
        net.start()
        wait_until(net.word, what="it knows its limit")
        return net


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(nets, "EVERY", 0.01)
    readings = chain([FRESH], repeat(SWOLLEN))
    monkeypatch.setattr(
        nets,
        "process",
        SimpleNamespace(read_memory=lambda: SimpleNamespace(anonymous=next(readings))),
    )
    made = Desk(open_board(POST, [tmp_path]))
    monkeypatch.setattr(nets, "open_board", lambda _post: made.board)
    return made


def word_of(net: SafetyNet) -> Net:
    word = net.word()
    assert word is not None
    return word


def ended(net: SafetyNet, reason: ExitReason = ExitReason.TERMINATED) -> Exit:
    return net.end(Exit(worker="0" * 32, reason=reason))


def test_a_worker_speaks_then_refuses_then_drains_then_stops(desk: Desk) -> None:
    net = desk.start(ALWAYS)
    wait_until(lambda: "stop" in desk.told, what="it stops")
    assert desk.told == ["last words, 1 ready", "refuse, 0 ready", "drained?", "drained?", "stop"]
    word = word_of(net)
    assert (word.state, word.hindrance) == (NetState.LEAVING, None)
    assert (word.recycled, word.recycled_today) == (1, 1)
    assert word.because.endswith("120 MB, passed 100 MB")
    assert ended(net).reason is ExitReason.RECYCLED
    assert ended(net).because == word.because


def test_a_worker_that_cannot_speak_stops_all_the_same(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUGSLY_STRICT", "0")
    agent: Any = desk.fake
    net = SafetyNet(agent, desk.way, ALWAYS)  # whose agent has no last words
    net.start()
    wait_until(lambda: desk.told == ["stop"], what="it stops")
    assert desk.fake.guards.failures == {"net": 1}
    ended(net)


def test_an_end_that_was_not_graceful_keeps_its_reason(desk: Desk) -> None:
    net = desk.start(ALWAYS)
    wait_until(lambda: "stop" in desk.told, what="it stops")
    assert ended(net, ExitReason.TIMEOUT) == Exit(worker="0" * 32, reason=ExitReason.TIMEOUT)


@pytest.mark.parametrize("blocks", [False, True])
def test_a_worker_that_does_not_end_says_so_and_leaves_the_turn_to_other_masters(
    blocks: bool,  # noqa: FBT001
    desk: Desk,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(policy, "PATIENCE", 0.05)
    monkeypatch.setattr(desk.board, "give_back", lambda: desk.told.append("gave the turn back"))
    released = threading.Event()
    desk.way = ByHand(released.wait if blocks else int, 1)
    net = desk.start(ALWAYS)
    wait_until(lambda: word_of(net).hindrance is Hindrance.REPLACEMENT, what="it says so")
    assert word_of(net).state is NetState.WAITING
    assert "is still here" in word_of(net).because
    assert desk.standing.ready == 0
    wait_until(lambda: "gave the turn back" in desk.told, what="others may go")
    released.set()
    assert ended(net).reason is ExitReason.RECYCLED


def test_the_clock_on_the_wall_may_jump(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    jumping = cycle([0.0, 4e9])
    monkeypatch.setattr(time, "time", lambda: next(jumping))
    monkeypatch.setattr(time, "time_ns", lambda: int(next(jumping)) * 10**9)
    net = desk.start(ALWAYS)
    wait_until(lambda: "stop" in desk.told, what="it stops")
    assert word_of(net).recycled == 1
    ended(net)


def test_a_worker_below_its_limit_watches(desk: Desk) -> None:
    net = desk.start(NEVER)
    wait_until(lambda: desk.standing.ready == 1, what="it is ready")
    assert word_of(net).state is NetState.WATCHING
    assert ended(net).reason is ExitReason.TERMINATED
    assert desk.standing.ready == 0
    assert desk.told == []


def test_a_worker_that_others_wait_for_stays(desk: Desk, tmp_path: Path) -> None:
    desk.board = open_board(POST._replace(wanted=2), [tmp_path])
    net = desk.start(ALWAYS)
    wait_until(lambda: word_of(net).hindrance is Hindrance.SIBLINGS, what="it waits")
    assert word_of(net).state is NetState.WAITING
    ended(net)
    assert desk.told == []


def test_a_worker_that_nothing_replaces_says_so_once(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.way = NoWay()
    with caplog.at_level(logging.WARNING, "bugsly"):
        net = desk.start(ALWAYS)
        wait_until(lambda: word_of(net).hindrance is Hindrance.UNSUPPORTED, what="it says so")
    ended(net)
    assert [one.getMessage() for one in caplog.records] == [
        (
            "recycling: nothing is known here that replaces a worker"
            " → serve the app with Gunicorn, or call bugsly.recycle_by"
        )
    ]


def test_where_workers_cannot_take_turns_none_is_recycled(desk: Desk) -> None:
    desk.board = None
    net = desk.start(ALWAYS)
    wait_until(lambda: word_of(net).hindrance is Hindrance.UNSUPPORTED, what="it says so")
    assert word_of(net).because.endswith("→ let /dev/shm be writable")
    ended(net)
    assert desk.told == []


def test_a_worker_told_to_leave_by_others_is_not_ready(desk: Desk) -> None:
    serving = [True]
    desk.way.serves = serving.__len__
    net = desk.start(NEVER)
    wait_until(lambda: desk.standing.ready == 1, what="it is ready")
    serving.clear()
    wait_until(lambda: desk.standing.ready == 0, what="it is not, any more")
    ended(net)


def test_a_worker_under_another_server_leaves_as_the_user_says(desk: Desk) -> None:
    desk.way = ByHand(lambda: desk.told.append("left"), 1)
    desk.start(ALWAYS)
    wait_until(lambda: "left" in desk.told, what="it is asked to leave")
    assert desk.told == ["last words, 1 ready", "left"]
