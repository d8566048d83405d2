"""Follows the connections of all SQLAlchemy pools through its events."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from bugsly.app_code import innermost_app_line
from bugsly.integrations.import_hooks import when_imported
from bugsly.integrations.wsgi import CURRENT_REQUEST
from bugsly.probes.connection_pool import NO_APP_LINE, add_checkout

if TYPE_CHECKING:
    from types import ModuleType

    from bugsly.integrations.ports import SqlalchemyAgent

CHECKOUT_KEY = "bugsly.loan"
FIRST_CONNECT_KEY = "bugsly.new"
SHARED_KEY = "bugsly.shared"
"""In the `record_info` of a pool's record, which SQLAlchemy keeps for its user."""


def watch_pools(agent: SqlalchemyAgent) -> None:
    """Listen to all pools, once SQLAlchemy is imported."""
    listener = SqlalchemyPoolListener(agent)
    when_imported("sqlalchemy", listener.listen, agent.guards("sqlalchemy.watch"))


class SqlalchemyPoolListener:
    """The listener that SQLAlchemy calls, with the arguments that PoolEvents documents."""

    def __init__(self, agent: SqlalchemyAgent) -> None:
        self._agent = agent
        self._guard = agent.guards("sqlalchemy")

    def listen(self, _module: ModuleType) -> None:
        """Listen to all pools, existing and future ones."""
        from sqlalchemy.event import listen
        from sqlalchemy.pool import Pool

        listen(Pool, "first_connect", self.on_first_connect)
        listen(Pool, "checkout", self.on_checkout)
        listen(Pool, "checkin", self.on_checkin)
        listen(Pool, "detach", self.on_checkin)

    def on_first_connect(self, _connection: Any, record: Any) -> None:
        """Remember that the pool of *record* has connected for the first time."""
        with self._guard:
            record.record_info[FIRST_CONNECT_KEY] = True

    def on_checkout(self, _connection: Any, record: Any, proxy: Any) -> None:
        """Note who took the connection of *record*, and in which request."""
        if not self._agent.running:
            return
        with self._guard:
            frame = sys._getframe(1)  # noqa: SLF001 - the interpreter's own way to ask
            pool = proxy._pool  # noqa: SLF001 - nothing public leads from a connection to its pool
            record_info = record.record_info
            if record_info.pop(FIRST_CONNECT_KEY, False):
                self._agent.pool.note_pool(innermost_app_line(frame) or NO_APP_LINE, pool)
            if _is_shared(record_info):
                return
            checkout = record_info[CHECKOUT_KEY] = self._agent.pool.check_out(frame, proxy, pool)
            request = CURRENT_REQUEST.get()
            if request is not None and request.checkouts is not None:
                add_checkout(request.checkouts, checkout)

    def on_checkin(self, _connection: Any, record: Any) -> None:
        """Note that the connection of *record* was returned."""
        with self._guard:
            checkout = record.record_info.pop(CHECKOUT_KEY, None)
            if checkout is not None:
                checkout.mark_returned()


def _is_shared(record_info: dict[str, Any]) -> bool:
    """Return whether one connection is checked out several times at once, as by a StaticPool.

    That shows when it is checked out again before it was returned, and is remembered.
    """
    previous_checkout = record_info.pop(CHECKOUT_KEY, None)
    if previous_checkout is not None:
        record_info[SHARED_KEY] = True
        previous_checkout.mark_returned()
    return SHARED_KEY in record_info
