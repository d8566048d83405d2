"""Collects addresses and hands them on, three hundred at a time."""

from __future__ import annotations

from flask import Flask

app = Flask(__name__)
BATCH = 300
waiting: list[str] = []
handed_on = 0


@app.get("/subscribe/<address>")
def subscribe(address: str) -> dict[str, int]:
    global handed_on
    waiting.append(f"{address}@example.com ".ljust(3_000))
    if len(waiting) >= BATCH:
        handed_on += len(waiting)
        waiting.clear()
    return {"handed on": handed_on}
