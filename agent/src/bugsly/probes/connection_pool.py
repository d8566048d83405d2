"""Counts database connections that requests leave checked out, by the line that took them.

A connection that a request left open counts even if the garbage collector returns it later: a pool
that has to wait for the collector is the defect.
"""

from __future__ import annotations

import weakref
from itertools import islice
from typing import TYPE_CHECKING, Any

from bugsly.app_code import format_site, innermost_app_line
from bugsly.protocol.evidence import Holder, HolderCount

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from bugsly.probes.traffic import EndpointKey

MAX_CHECKOUT_LINES = 200
MAX_ENDPOINTS_PER_LINE = 50
MAX_CHECKOUTS_PER_REQUEST = 64
"""Checked-out connections of one request that are followed."""
MAX_POOLS_PER_LINE = 2_000
MIN_ENGINES = 3
NO_APP_LINE = ("", 0)
"""For a connection taken by no code of the application."""


class CheckoutLine:
    """The connections that one line took."""

    __slots__ = ("code_line", "collected", "endpoints", "left_open", "open_now", "pool", "taken")

    def __init__(self, code_line: tuple[str, int], pool: weakref.ref[Any]) -> None:
        self.code_line = code_line
        self.pool = pool
        self.taken = 0
        self.open_now = 0
        self.left_open = 0
        self.collected = 0
        self.endpoints: dict[EndpointKey, int] = {}


class Checkout:
    """A connection that is checked out; it is referred to weakly."""

    __slots__ = ("_connection", "is_out", "line")

    def __init__(self, line: CheckoutLine, connection: object) -> None:
        self.line = line
        self._connection = weakref.ref(connection)
        self.is_out = True
        line.taken += 1
        line.open_now += 1

    def mark_returned(self) -> None:
        """Note its return; if the application no longer held it, the collector returned it.

        Takes no lock, because the collector may call this at any point.
        """
        if self.is_out:
            self.is_out = False
            self.line.open_now -= 1
            if self._connection() is None:
                self.line.collected += 1


def add_checkout(checkouts: list[Checkout], checkout: Checkout) -> None:
    """Add *checkout* to those of its request; drop returned ones if there are many."""
    if len(checkouts) >= MAX_CHECKOUTS_PER_REQUEST:
        checkouts[:] = [one for one in checkouts if one.is_out][-MAX_CHECKOUTS_PER_REQUEST + 1 :]
    checkouts.append(checkout)


def count_left_open(checkouts: list[Checkout], endpoint: EndpointKey) -> None:
    """Count the *checkouts* of an ended request that have not been returned."""
    for checkout in checkouts:
        if checkout.is_out:
            line = checkout.line
            line.left_open += 1
            if endpoint in line.endpoints or len(line.endpoints) < MAX_ENDPOINTS_PER_LINE:
                line.endpoints[endpoint] = line.endpoints.get(endpoint, 0) + 1


class PoolProbe:
    """The connections of all pools of this process, and the pools themselves."""

    def __init__(self) -> None:
        self._lines: dict[tuple[str, int], CheckoutLine] = {}
        self._pools: dict[tuple[str, int], list[weakref.ref[Any]]] = {}

    def check_out(self, frame: FrameType | None, connection: object, pool: object) -> Checkout:
        """Note that the code above *frame* took *connection* from *pool*."""
        code_line = innermost_app_line(frame) or NO_APP_LINE
        line = self._lines.get(code_line)
        if line is None:
            if len(self._lines) >= MAX_CHECKOUT_LINES:
                code_line = NO_APP_LINE
            line = self._lines.setdefault(code_line, CheckoutLine(code_line, weakref.ref(pool)))
        return Checkout(line, connection)

    def note_pool(self, code_line: tuple[str, int], pool: object) -> None:
        """Note that *pool* was first used at *code_line*."""
        pools = (
            self._pools.setdefault(code_line, []) if len(self._pools) < MAX_CHECKOUT_LINES else []
        )
        if len(pools) >= MAX_POOLS_PER_LINE:
            pools[:] = [one for one in pools if one() is not None][-MAX_POOLS_PER_LINE + 1 :]
        pools.append(weakref.ref(pool))

    def count_holders(self) -> Iterator[HolderCount]:
        """Count the connections that each line left open, and the engines first used at each."""
        for line in self._leaking_lines():
            yield HolderCount(holder=_connections_name(line), count=line.left_open)
        for code_line, count in self._repeated_engines():
            yield HolderCount(holder=_engines_name(code_line), count=count)

    def describe_holders(self) -> Iterator[Holder]:
        """Describe them."""
        for line in self._leaking_lines():
            yield _describe_connections(line)
        for code_line, _count in self._repeated_engines():
            yield Holder(
                name=_engines_name(code_line),
                kind="engine",
                entry="sqlalchemy.engine.Engine",
                site=_short_site(code_line),
                file=code_line[0],
            )

    def _leaking_lines(self) -> list[CheckoutLine]:
        return [line for line in list(self._lines.values()) if line.left_open]

    def _repeated_engines(self) -> Iterator[tuple[tuple[str, int], int]]:
        for code_line, pools in list(self._pools.items()):
            alive = sum(1 for one in list(pools) if one() is not None)
            if alive >= MIN_ENGINES:
                yield code_line, alive


def _describe_connections(line: CheckoutLine) -> Holder:
    pool = line.pool()
    counts = {
        "open_now": line.open_now,
        "taken": line.taken,
        "left_open": line.left_open,
        "collected": line.collected,
        "pool_size": _read_pool_count(pool, "size"),
        "overflow": _read_pool_count(pool, "overflow"),
    }
    return Holder(
        name=_connections_name(line),
        kind="connection",
        entry="connection",
        site=_short_site(line.code_line),
        endpoint=_main_endpoint(line),
        file=line.code_line[0],
        details={name: count for name, count in counts.items() if count is not None},
    )


def _read_pool_count(pool: object, method_name: str) -> int | None:
    """Return what a method of SQLAlchemy's QueuePool returns; other pools have no limits."""
    method = getattr(pool, method_name, None)
    count = method() if callable(method) else None
    return count if isinstance(count, int) else None


def _main_endpoint(line: CheckoutLine) -> str:
    """Return the endpoint that left more than half of them open, if there is one."""
    endpoints = list(islice(line.endpoints.items(), MAX_ENDPOINTS_PER_LINE))
    endpoint, count = max(
        endpoints, key=lambda endpoint_count: endpoint_count[1], default=(("", ""), 0)
    )
    return " ".join(endpoint).strip() if 2 * count > line.left_open else ""


def _short_site(code_line: tuple[str, int]) -> str:
    return "" if code_line == NO_APP_LINE else format_site(*code_line)


def _connections_name(line: CheckoutLine) -> str:
    return f"connections left open at {_short_site(line.code_line) or 'no line of the application'}"


def _engines_name(code_line: tuple[str, int]) -> str:
    return f"engines first used at {_short_site(code_line) or 'no line of the application'}"
