"""Keeps the horizon: the moment that forgetting takes for the present, whatever the clock says.

A clock that is set to next year by mistake must not make everything old. So the horizon follows the
clock only as fast as the server runs, or a few times faster where it lags behind.
"""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select

from bugsly_server.clock import DAY, Micros
from bugsly_server.store.meta.tables import forgetting

MAX_PACE = 4
"""Days that are forgotten in a day, at most. A laptop that is on for six hours a day keeps up."""
FIRST_BELIEVABLE: Micros = 20_454 * DAY
"""2026-01-01: a machine without a battery starts in 1970, and this server is younger."""


def read_horizon(connection: Connection) -> Micros | None:
    """Return the horizon; None where nothing was ever forgotten."""
    found: Micros | None = connection.execute(select(forgetting.c.horizon)).scalar_one_or_none()
    return found


def advance_horizon(connection: Connection, now: Micros, elapsed: Micros) -> Micros:
    """Return and store the horizon at *now*, *elapsed* after it was advanced last."""
    horizon = next_horizon(read_horizon(connection), now, elapsed)
    connection.execute(delete(forgetting))
    connection.execute(insert(forgetting).values(horizon=horizon))
    return horizon


def next_horizon(last: Micros | None, now: Micros, elapsed: Micros) -> Micros:
    """Return the horizon after *last*: at most *now*, and no further than *elapsed* explains."""
    if last is None:
        return now
    return min(now, max(last, FIRST_BELIEVABLE) + MAX_PACE * elapsed)
