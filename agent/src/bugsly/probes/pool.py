"""Counts pooled connections that outlive the request that took them, by the line that took them.

What is counted is what a request left open when it ended, whether or not the garbage collector
returns it later: a pool that has to wait for the collector is the defect.
"""

from __future__ import annotations

import weakref
from itertools import islice
from typing import TYPE_CHECKING, Any

from bugsly.own import own_line, site_of
from bugsly.protocol.evidence import Holder, Level

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from bugsly.probes.traffic import Endpoint

MOST_LINES = 200
MOST_ENDPOINTS = 50
MOST_TAKEN = 64
"""Connections on loan to one request that are followed."""
MOST_POOLS = 2_000
FEW_ENGINES = 3
NOBODY = ("", 0)
"""For a connection taken by no code of the application."""


class Line:
    """What became of the connections that one line took."""

    __slots__ = ("collected", "endpoints", "left_open", "open_now", "place", "pool", "taken")

    def __init__(self, place: tuple[str, int], pool: weakref.ref[Any]) -> None:
        self.place = place
        self.pool = pool
        self.taken = 0
        self.open_now = 0
        self.left_open = 0
        self.collected = 0
        self.endpoints: dict[Endpoint, int] = {}


class Checkout:
    """One connection on loan; *loan* is what the application holds meanwhile, known weakly."""

    __slots__ = ("_loan", "line", "out")

    def __init__(self, line: Line, loan: object) -> None:
        self.line = line
        self._loan = weakref.ref(loan)
        self.out = True
        line.taken += 1
        line.open_now += 1

    def back(self) -> None:
        """Note its return: the collector brought it where nobody holds it any more.

        Takes no lock, for the collector may call this in the middle of anything.
        """
        if self.out:
            self.out = False
            self.line.open_now -= 1
            if self._loan() is None:
                self.line.collected += 1


def note(taken: list[Checkout], checkout: Checkout) -> None:
    """Add *checkout* to those of its request, leaving out what is back."""
    if len(taken) >= MOST_TAKEN:
        taken[:] = [one for one in taken if one.out][-MOST_TAKEN + 1 :]
    taken.append(checkout)


def settle(taken: list[Checkout], endpoint: Endpoint) -> None:
    """Note which of those *taken* by a request are still out now that it has ended."""
    for checkout in taken:
        if checkout.out:
            line = checkout.line
            line.left_open += 1
            if endpoint in line.endpoints or len(line.endpoints) < MOST_ENDPOINTS:
                line.endpoints[endpoint] = line.endpoints.get(endpoint, 0) + 1


class PoolProbe:
    """The connections of all pools of this process, and the pools that were made."""

    def __init__(self) -> None:
        self._lines: dict[tuple[str, int], Line] = {}
        self._pools: dict[tuple[str, int], list[weakref.ref[Any]]] = {}

    def take(self, frame: FrameType | None, loan: object, pool: object) -> Checkout:
        """Note that the code above *frame* was given *loan* out of *pool*."""
        place = own_line(frame) or NOBODY
        line = self._lines.get(place)
        if line is None:
            if len(self._lines) >= MOST_LINES:
                place = NOBODY
            line = self._lines.setdefault(place, Line(place, weakref.ref(pool)))
        return Checkout(line, loan)

    def meet(self, place: tuple[str, int], pool: object) -> None:
        """Note that *pool* was first used at *place*."""
        pools = self._pools.setdefault(place, []) if len(self._pools) < MOST_LINES else []
        if len(pools) >= MOST_POOLS:
            pools[:] = [one for one in pools if one() is not None][-MOST_POOLS + 1 :]
        pools.append(weakref.ref(pool))

    def levels(self) -> Iterator[Level]:
        """Count the connections left open by each line, and the engines begun at each."""
        for line in self._leaky():
            yield Level(holder=_connections(line), count=line.left_open)
        for place, count in self._engines():
            yield Level(holder=_engines(place), count=count)

    def holders(self) -> Iterator[Holder]:
        """Describe them."""
        for line in self._leaky():
            yield _describe(line)
        for place, _count in self._engines():
            yield Holder(
                name=_engines(place),
                kind="engine",
                entry="sqlalchemy.engine.Engine",
                site=_site(place),
                file=place[0],
            )

    def _leaky(self) -> list[Line]:
        return [line for line in list(self._lines.values()) if line.left_open]

    def _engines(self) -> Iterator[tuple[tuple[str, int], int]]:
        for place, pools in list(self._pools.items()):
            alive = sum(1 for one in list(pools) if one() is not None)
            if alive >= FEW_ENGINES:
                yield place, alive


def _describe(line: Line) -> Holder:
    pool = line.pool()
    counts = {
        "open_now": line.open_now,
        "taken": line.taken,
        "left_open": line.left_open,
        "collected": line.collected,
        "pool_size": _ask(pool, "size"),
        "overflow": _ask(pool, "overflow"),
    }
    return Holder(
        name=_connections(line),
        kind="connection",
        entry="connection",
        site=_site(line.place),
        endpoint=_main_endpoint(line),
        file=line.place[0],
        details={name: count for name, count in counts.items() if count is not None},
    )


def _ask(pool: object, question: str) -> int | None:
    """Return what a method of SQLAlchemy's QueuePool says; other pools have no such bounds."""
    method = getattr(pool, question, None)
    answer = method() if callable(method) else None
    return answer if isinstance(answer, int) else None


def _main_endpoint(line: Line) -> str:
    """Return the endpoint that left most of them open, where it is more than half."""
    endpoints = list(islice(line.endpoints.items(), MOST_ENDPOINTS))
    endpoint, count = max(endpoints, key=lambda one: one[1], default=(("", ""), 0))
    return " ".join(endpoint).strip() if 2 * count > line.left_open else ""


def _site(place: tuple[str, int]) -> str:
    return "" if place == NOBODY else site_of(*place)


def _connections(line: Line) -> str:
    return f"connections left open at {_site(line.place) or 'no line of the application'}"


def _engines(place: tuple[str, int]) -> str:
    return f"engines first used at {_site(place) or 'no line of the application'}"
