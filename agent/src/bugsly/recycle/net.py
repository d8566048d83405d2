"""Looks every second whether this worker should be recycled, on a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections import deque
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from bugsly.own import own_modules, short_path
from bugsly.probes import process
from bugsly.probes.limit import read_headroom
from bugsly.protocol.memory import ExitReason
from bugsly.protocol.net import Hindrance, Net, NetState
from bugsly.recycle import forecast, policy
from bugsly.recycle.board import now, open_board
from bugsly.recycle.daybook import Daybook
from bugsly.recycle.policy import (
    Rules,
    Situation,
    Wait,
    another_leaves,
    find_hindrance,
    find_reason,
    stuck,
    unsupported,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from bugsly.agent import Agent
    from bugsly.protocol.memory import Exit
    from bugsly.recycle.board import Board
    from bugsly.recycle.limit import RecycleAt
    from bugsly.recycle.way import Way

LOG = logging.getLogger("bugsly")
EVERY = 1.0
DRAIN = 30.0
"""Seconds that leaving and starting anew may take, but for what the requests are given."""
LATE = 0.5
"""Seconds by which a server may be late to close an idle connection."""
GRACEFUL = frozenset({ExitReason.FINISHED, ExitReason.TERMINATED, ExitReason.MAX_REQUESTS})
PAUSE = 0.05
PASSING = frozenset({Hindrance.YOUNG, Hindrance.SIBLINGS, Hindrance.TURN})
NOWHERE = (
    "there is no folder the workers can write to, and without one two might leave at once"
    " → let /dev/shm be writable"
)


class SafetyNet:
    """Lets this worker leave at *limit*, when its siblings can spare it."""

    def __init__(self, agent: Agent, way: Way, limit: RecycleAt) -> None:
        self._agent = agent
        self._way = way
        self._limit = limit
        self._begun = self._busy = monotonic()
        self._requests = 0
        self._fresh = 0
        self._readings: deque[forecast.Reading] = deque(maxlen=forecast.MOST)
        self._outlook: forecast.Outlook | None = None
        self._loaded: dict[str, tuple[int, int]] = {}
        self._rules = Rules(at=0, least_age=0, per_hour=0)
        self._word: Wait | None = None
        self._said: set[Hindrance] = set()
        self._board: Board | None = None
        self._daybook: Daybook | None = None
        self._guard = agent.guards("net")
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bugsly-net", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def end(self, ended: Exit) -> Exit:
        """Look no more; return *ended*, or that this worker was recycled, where it was."""
        self._close()
        if self._agent.leaving and ended.reason in GRACEFUL:
            return replace(ended, reason=ExitReason.RECYCLED, because=self._agent.leaving)
        return ended

    def _close(self) -> None:
        self._closing.set()
        if self._board is not None:
            self._board.withdraw()
            self._board.give_back()

    def word(self) -> Net | None:
        """Return what a report says of the net, None before it knows its limit."""
        if not self._rules.at:
            return None
        board, word = self._board, self._word
        recycled = 0 if board is None else len(board.departures())
        calm = NetState.LEAVING if self._agent.leaving else NetState.WATCHING
        return Net(
            at=self._rules.at,
            state=calm if word is None else NetState.WAITING,
            because=self._agent.leaving if word is None else word.because,
            hindrance=None if word is None else word.hindrance,
            recycled=recycled,
            recycled_today=0 if self._daybook is None else self._daybook.count(),
        )

    def _run(self) -> None:
        able = False
        with self._guard:
            able = self._prepare()
        while able and not (self._closing.wait(EVERY) or self._agent.leaving):
            with self._guard:
                self._look()

    def _prepare(self) -> bool:
        """Become one of those who are ready; return whether this worker can be recycled at all."""
        self._fresh = process.read_memory().anonymous
        self._rules = self._rule(read_headroom().limit)
        self._board = open_board(self._way.post)
        if self._board is not None:
            options = self._agent.options
            self._daybook = Daybook(self._board.folder, f"{options.dsn} {options.environment}")
        if self._way.obstacle or self._board is None:
            self._tell(unsupported(self._way.obstacle or NOWHERE))
            return False
        if self._way.from_disk:
            files = [file for one in own_modules() if (file := vars(one).get("__file__"))]
            self._loaded = {file: stamp for file in files if (stamp := _stamp(file))}
        self._board.announce()
        return True

    def _look(self) -> None:
        assert self._board is not None
        if not self._way.serves():
            self._close()
            return
        memory = process.read_memory().anonymous
        outlook = self._look_ahead(memory)
        self._note_traffic()
        because = find_reason(memory, outlook, DRAIN + self._way.grace, self._rules)
        if not because:
            self._tell(None)
            return
        word = find_hindrance(self._situation(), self._rules)
        if word is None:
            if not self._board.take_turn():
                word = another_leaves()
            elif (word := find_hindrance(self._situation(), self._rules)) is not None:
                self._board.give_back()
        self._tell(word)
        if word is None:
            self._leave(because)

    def _look_ahead(self, memory: int) -> forecast.Outlook | None:
        at = monotonic()
        if not self._readings or at - self._readings[-1].at >= forecast.EVERY:
            headroom = read_headroom()
            self._readings.append(forecast.Reading(at, memory, headroom.used))
            self._rules = self._rule(headroom.limit)
            self._outlook = forecast.look_ahead(self._readings, headroom.limit)
        return self._outlook

    def _rule(self, limit: int) -> Rules:
        options = self._agent.options
        return Rules(
            at=self._limit.of(limit, self._way.post.wanted),
            least_age=options.recycle_age,
            per_hour=options.recycles_per_hour,
        )

    def _note_traffic(self) -> None:
        """Note when a connection may last have been kept open for another request."""
        traffic = self._agent.traffic
        if traffic.in_flight or traffic.requests != self._requests:
            self._requests, self._busy = traffic.requests, monotonic()

    def _situation(self) -> Situation:
        assert self._board is not None
        standing, last = self._board.standing(), self._board.last()
        return Situation(
            fresh=self._fresh,
            age=monotonic() - self._begun,
            ready=standing.ready,
            wanted=standing.wanted,
            recycled=len(self._board.departures()),
            overdue=now() - last.at if last and last.due < now() else None,
            elsewhere=self._board.awaits(),
            changed=self._changed(),
        )

    def _changed(self) -> str:
        found = ((file, _stamp(file)) for file in self._loaded)
        return next((short_path(file) for file, stamp in found if stamp != self._loaded[file]), "")

    def _tell(self, word: Wait | None) -> None:
        """Keep *word* for the reports; log it once where it does not pass by itself."""
        self._word = word
        if word is not None and word.hindrance not in PASSING | self._said:
            self._said.add(word.hindrance)
            LOG.warning("%s", word.because)

    def _leave(self, because: str) -> None:
        """Let the worker end, whatever goes wrong on the way; it has the turn until then.

        One that does not end leaves the turn to other masters: none of its siblings can go.
        """
        watching = threading.Thread(target=self._give_up, name="bugsly-net-patience", daemon=True)
        with suppress(RuntimeError):  # no thread is to be had
            watching.start()
        LOG.warning("recycling: %s → it leaves when its requests are done", because)
        self._agent.leaving = because
        try:
            self._wind_down()
        finally:
            self._way.stop()

    def _give_up(self) -> None:
        """Say that this worker did not end, once it should be gone and its replacement ready."""
        patience = self._patience()
        if not self._closing.wait(patience):
            with self._guard:
                self._tell(stuck(patience))
                self._close()

    def _patience(self) -> float:
        return self._way.lingers + self._way.grace + policy.PATIENCE

    def _wind_down(self) -> None:
        """Tell what is known while answers close their connections, until none is idle."""
        assert self._board is not None
        assert self._daybook is not None
        self._note_traffic()
        self._daybook.note()
        with suppress(OSError):  # a full disk; who is ready is known all the same
            self._board.note(self._patience())
        self._agent.last_words()
        self._await(self._way.is_empty, self._busy + self._way.lingers + LATE)
        self._board.withdraw()
        self._way.refuse()
        self._await(self._way.drained, monotonic() + self._way.grace)

    def _await(self, condition: Callable[[], bool], deadline: float) -> None:
        while monotonic() < deadline and not condition():
            if self._closing.wait(PAUSE):
                return


def _stamp(file: str) -> tuple[int, int] | None:
    try:
        found = Path(file).stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
