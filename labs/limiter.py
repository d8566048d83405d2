"""Lets each visitor in twenty times a second: it remembers visits, and forgets who stays away."""

from __future__ import annotations

import time
from collections import deque

from flask import Flask

app = Flask(__name__)
WINDOW = 1.0
MAX_VISITS = 20
SWEEP_EVERY = 2.0
visits: dict[int, deque[float]] = {}
swept_at = time.monotonic()


def sweep(now: float) -> None:
    """Forget the visitors whose last visit is out of the window."""
    global swept_at
    if now - swept_at < SWEEP_EVERY:
        return
    swept_at = now
    for visitor in [visitor for visitor, seen in list(visits.items()) if now - seen[-1] > WINDOW]:
        visits.pop(visitor, None)


@app.get("/visitors/<int:visitor>")
def visit(visitor: int) -> tuple[dict[str, int], int]:
    now = time.monotonic()
    sweep(now)
    seen = visits.setdefault(visitor, deque(maxlen=MAX_VISITS))
    seen.append(now)
    busy = len(seen) == MAX_VISITS and now - seen[0] < WINDOW
    return {"visits": len(seen)}, 429 if busy else 200
