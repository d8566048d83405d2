"""Forecasts that are kept for a second and a half, and then thrown away."""

from __future__ import annotations

import time

from flask import Flask

app = Flask(__name__)
LIFETIME = 1.5
forecasts: dict[int, tuple[float, str]] = {}


def forget_old(now: float) -> None:
    """Drop what is out of date."""
    for place in [place for place, (at, _) in forecasts.items() if now - at > LIFETIME]:
        del forecasts[place]


@app.get("/forecast/<int:place>")
def forecast(place: int) -> dict[str, str]:
    now = time.monotonic()
    forget_old(now)
    forecasts[place] = (now, f"sunny in {place} ".ljust(6_000))
    return {"forecast": forecasts[place][1].strip()}
