"""Builders of dossiers: what workers served, what their holders and their memory did meanwhile."""

import random
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from tests.support.clock import START

from bugsly.protocol.evidence import Holder, Source
from bugsly_server.clock import SECOND
from bugsly_server.model.dossier import Dossier, Life, Step

MB = 1_000_000
ORDERS, HOME = "GET /orders", "GET /"
APP = "/app/shop/views.py"


class Sofar(NamedTuple):
    """What a worker has answered since it started, by endpoint."""

    served: Counter[str]
    failed: Counter[str]

    @property
    def requests(self) -> int:
        return self.served.total()


Level = Callable[[Sofar], int]
Traffic = Callable[[int], Mapping[str, int]]


def nothing(_: Sofar) -> int:
    return 0


def each(endpoint: str, entries: float = 1.0, *, failing: bool = False) -> Level:
    """Draw a holder that gains so many *entries* with each request of *endpoint*."""
    return lambda sofar: round(entries * (sofar.failed if failing else sofar.served)[endpoint])


def drawn_from(stock: int, endpoint: str = ORDERS, seed: int = 7) -> Level:
    """Draw a holder with a key of a finite *stock*, picked anew by each request of *endpoint*."""
    dice = random.Random(seed)
    met: set[int] = set()
    known = 0

    def level(sofar: Sofar) -> int:
        nonlocal known
        met.update(dice.randrange(stock) for _ in range(sofar.served[endpoint] - known))
        known = sofar.served[endpoint]
        return len(met)

    return level


def mixed(orders: int = 20, home: int = 30, seed: int = 1) -> Traffic:
    """Draw two endpoints whose requests come and go without regard of each other."""
    dice = random.Random(seed)
    return lambda _: {
        ORDERS: dice.randint(orders // 2, orders * 3 // 2),
        HOME: dice.randint(home // 2, home * 3 // 2),
    }


def life(levels: Mapping[str, Level] | None = None, **facts: Any) -> Life:
    """Draw a worker; *facts* are those of `Life`, or what its steps are drawn from."""
    drawn: dict[str, Level] = {
        name: facts.pop(name) for name in ("memory", "live", "threads") if name in facts
    }
    steps = _steps(
        levels or {},
        facts.pop("traffic", mixed()),
        facts.pop("number", 40),
        facts.pop("fails", lambda _: {}),
        drawn,
    )
    fields = {"worker_id": 1, "pid": 4001, "release": "1.0", "python": "3.11", "server": "gunicorn"}
    return Life(**{**fields, "steps": steps, **facts})


def _steps(
    levels: Mapping[str, Level],
    traffic: Traffic,
    number: int,
    fails: Traffic,
    drawn: Mapping[str, Level],
) -> tuple[Step, ...]:
    sofar = Sofar(Counter(), Counter())
    found = []
    for index in range(number):
        served, failed = traffic(index), fails(index)
        sofar.served.update(served)
        sofar.failed.update(failed)
        live = drawn.get("live", nothing)(sofar)
        found.append(
            Step(
                at=START + index * 10 * SECOND,
                requests=sofar.requests,
                anonymous=30 * MB + drawn.get("memory", nothing)(sofar),
                in_use=12 * MB + live if "live" in drawn else 0,
                held=20 * MB + live,
                blocks=None,
                descriptors=12,
                threads=drawn["threads"](sofar) if "threads" in drawn else 3,
                served=served,
                failed=failed,
                levels={name: level(sofar) for name, level in levels.items()},
            )
        )
    return tuple(found)


def holder(name: str = "shop.views.log", kind: str = "list", **facts: Any) -> Holder:
    return Holder(**{"name": name, "kind": kind, "entry_bytes": 800, "file": APP, **facts})


def source(text: str, **facts: Any) -> Source:
    return Source(**{"file": APP, "module": "shop.views", "text": text, **facts})


def dossier(*lives: Life, holders: tuple[Holder, ...] = (), **facts: Any) -> Dossier:
    texts = facts.pop("sources", ())
    return Dossier(
        lives=lives,
        holders={one.name: one for one in holders},
        sources={one.file: one for one in texts},
        **facts,
    )
