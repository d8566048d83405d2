"""What workers are to be asked for, kept in memory so that ingest need not look it up."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from bugsly_server.model.asked import Asked, AskState

Address = tuple[int, str]
"""A project's id, and the id by which a worker of it calls itself."""


class Mailbox:
    """Filled by the thread that digests, emptied by the one that takes envelopes in."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[Address, list[Asked]] = {}
        self._sent: set[int] = set()

    def put(self, asked: Asked) -> None:
        """Let *asked* go out, once, with the reply to its worker's next envelope."""
        with self._lock:
            self._put(asked)

    def fill(self, waiting: Iterable[Asked]) -> None:
        """Hold *waiting*, what is stored to be sent, and nothing else."""
        with self._lock:
            self._waiting.clear()
            for asked in waiting:
                self._put(asked)

    def take(self, project_id: int, token: object) -> list[Asked]:
        """Return what the worker that calls itself *token* is to be asked for, once."""
        if not self._waiting or not isinstance(token, str):
            return []
        with self._lock:
            taken = self._waiting.pop((project_id, token), [])
            self._sent.update(one.ask.id for one in taken)
        return taken

    def sent(self) -> set[int]:
        """Return the ids of what was taken and not yet `settled`."""
        with self._lock:
            return set(self._sent)

    def settled(self, ids: Iterable[int]) -> None:
        """Forget that the asks of *ids* were taken, which is stored now."""
        with self._lock:
            self._sent.difference_update(ids)

    def _put(self, asked: Asked) -> None:
        address = (asked.project_id, asked.token)
        known = {one.ask.id for one in self._waiting.get(address, ())} | self._sent
        if asked.ask.id not in known and asked.state is AskState.ASKED:
            self._waiting.setdefault(address, []).append(asked)
