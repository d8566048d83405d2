"""Follows the connections of SQLAlchemy's pools through its events, for all engines there are."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from bugsly.integrations.imports import when_imported
from bugsly.integrations.wsgi import CURRENT
from bugsly.own import own_line
from bugsly.probes.pool import NOBODY, note

if TYPE_CHECKING:
    from types import ModuleType

    from bugsly.agent import Agent

LOAN = "bugsly.loan"
NEW = "bugsly.new"
SHARED = "bugsly.shared"
"""In the `record_info` of a pool's record, which SQLAlchemy keeps for its user."""


def watch(agent: Agent) -> None:
    """Listen to every pool, once SQLAlchemy is imported."""
    listener = Listener(agent)
    when_imported("sqlalchemy", listener.listen, agent.guards("sqlalchemy.watch"))


class Listener:
    """What SQLAlchemy calls, with arguments of the form that its PoolEvents document."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._guard = agent.guards("sqlalchemy")

    def listen(self, _module: ModuleType) -> None:
        """Be called for every pool, of the past and of the future."""
        from sqlalchemy.event import listen
        from sqlalchemy.pool import Pool

        listen(Pool, "first_connect", self.begun)
        listen(Pool, "checkout", self.taken)
        listen(Pool, "checkin", self.returned)
        listen(Pool, "detach", self.returned)

    def begun(self, _connection: Any, record: Any) -> None:
        """Remember that the pool of *record* has connected for the first time."""
        with self._guard:
            record.record_info[NEW] = True

    def taken(self, _connection: Any, record: Any, proxy: Any) -> None:
        """Note who took the connection of *record*, and in which request."""
        if not self._agent.running:
            return
        with self._guard:
            frame = sys._getframe(1)  # noqa: SLF001 - the interpreter's own way to ask
            pool = proxy._pool  # noqa: SLF001 - nothing public leads from a connection to its pool
            notes = record.record_info
            if notes.pop(NEW, False):
                self._agent.pool.meet(own_line(frame) or NOBODY, pool)
            if _is_shared(notes):
                return
            checkout = notes[LOAN] = self._agent.pool.take(frame, proxy, pool)
            call = CURRENT.get()
            if call is not None and call.taken is not None:
                note(call.taken, checkout)

    def returned(self, _connection: Any, record: Any) -> None:
        """Note that the connection of *record* is nobody's again."""
        with self._guard:
            checkout = record.record_info.pop(LOAN, None)
            if checkout is not None:
                checkout.back()


def _is_shared(notes: dict[str, Any]) -> bool:
    """Return whether several borrow one connection at a time, as of a StaticPool: none is missed.

    That shows when it is taken again before it is back, and is remembered from then on.
    """
    before = notes.pop(LOAN, None)
    if before is not None:
        notes[SHARED] = True
        before.back()
    return SHARED in notes
