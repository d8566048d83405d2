"""Does what the server asks for in its replies: one dear probe at a time, off the request path."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from bugsly.protocol.evidence import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from bugsly.evidence import EvidenceDesk
    from bugsly.guard import Guards
    from bugsly.protocol.evidence import Ask

    DearProbe = Callable[[Ask], Answer]

MOST_WAITING = 4
MOST_REMEMBERED = 1_000
UNKNOWN = "the probe {!r} is unknown to this agent → update bugsly in the app"
FAILED = "the probe failed in this worker; its log says how"


class Asks:
    """Runs what is asked for on a thread that lives no longer than there is something to do."""

    def __init__(
        self, probes: Mapping[str, DearProbe], evidence: EvidenceDesk, guards: Guards
    ) -> None:
        self._probes = probes
        self._evidence = evidence
        self._guard = guards("asks")
        self._lock = threading.Lock()
        self._known: deque[int] = deque(maxlen=MOST_REMEMBERED)
        self._waiting: deque[Ask] = deque()
        self._busy = False

    def put(self, asks: Iterable[Ask]) -> None:
        """Take on what was not asked for before; what finds no room is to be asked for again."""
        with self._lock:
            for ask in asks:
                if ask.id not in self._known and len(self._waiting) < MOST_WAITING:
                    self._known.append(ask.id)
                    self._waiting.append(ask)
            if self._busy or not self._waiting:
                return
            self._busy = True
        threading.Thread(target=self._run, name="bugsly-probe", daemon=True).start()

    def _run(self) -> None:
        while (ask := self._next()) is not None:
            answer = Answer(ask=ask.id, problem=FAILED)
            with self._guard:
                answer = self._answer(ask)
            self._evidence.put_answer(answer)

    def _next(self) -> Ask | None:
        with self._lock:
            self._busy = bool(self._waiting)
            return self._waiting.popleft() if self._waiting else None

    def _answer(self, ask: Ask) -> Answer:
        probe = self._probes.get(ask.probe)
        if probe is None:
            return Answer(ask=ask.id, problem=UNKNOWN.format(ask.probe))
        return probe(ask)
