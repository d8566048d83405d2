"""Rates of currencies. What is needed for one is made when it is first asked for."""

from __future__ import annotations

import hashlib
from functools import cached_property

from flask import Flask

app = Flask(__name__)


class Currency:
    """One of them."""

    def __init__(self, number: int) -> None:
        self.number = number

    @cached_property
    def history(self) -> list[float]:
        """Return its rates of the last months."""
        return [1.0 + day / (self.number + 100) for day in range(300)]


class Market:
    """All of them."""

    __slots__ = ("currencies",)

    def __init__(self) -> None:
        self.currencies = tuple(Currency(number) for number in range(800))


market = (Market(),)


@app.get("/rates/<int:customer>")
def rate(customer: int) -> dict[str, float]:
    digest = hashlib.blake2b(str(customer).encode(), digest_size=8).digest()
    chosen = int.from_bytes(digest, "big") % len(market[0].currencies)
    return {"rate": market[0].currencies[chosen].history[-1]}


@app.get("/markets")
def markets() -> dict[str, int]:
    return {"markets": 1}
