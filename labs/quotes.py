"""Insurance quotes, calculated once for every set of inputs there will ever be."""

from __future__ import annotations

from functools import lru_cache

from flask import Flask

app = Flask(__name__)


@lru_cache(maxsize=None)
def tariff(customer: str) -> tuple[float, ...]:
    """Return the premiums of a customer by year."""
    base = len(customer) + sum(customer.encode()) / 7
    return tuple(base * 1.01**year for year in range(60))


@app.get("/quotes/<customer>")
def quote(customer: str) -> dict[str, float]:
    return {"first": tariff(customer)[0], "last": tariff(customer)[-1]}


@app.get("/health")
def health() -> dict[str, bool]:
    return {"ok": True}
