"""Shipping costs behind a cache with a bound, which takes long to fill."""

from __future__ import annotations

from functools import lru_cache

from flask import Flask

app = Flask(__name__)


@lru_cache(maxsize=1_500)
def cost(postcode: int) -> str:
    """Return the costs of sending something there."""
    return f"{postcode}: {postcode % 37} EUR ".ljust(4_000)


@app.get("/shipping/<int:postcode>")
def shipping(postcode: int) -> dict[str, str]:
    return {"cost": cost(postcode).strip()}


@app.get("/carriers")
def carriers() -> dict[str, int]:
    return {"carriers": 4}
