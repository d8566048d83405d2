"""Reports whose tables come and go in many sizes, built by several threads."""

from __future__ import annotations

import random

from flask import Flask

app = Flask(__name__)


@app.get("/reports/<int:number>")
def report(number: int) -> dict[str, int]:
    chance = random.Random(number)
    rows = [bytes(chance.randrange(50, 9_000)) for _ in range(chance.randrange(100, 900))]
    kept = rows[:: chance.randrange(2, 9)]
    del rows
    return {"bytes": sum(map(len, kept))}


@app.get("/reports/kinds")
def kinds() -> dict[str, list[str]]:
    return {"kinds": ["daily", "weekly"]}
