"""Counts visitors by the second, and drops the seconds that are over."""

from __future__ import annotations

import time
from collections import Counter, defaultdict

from flask import Flask

app = Flask(__name__)
KEPT = 5
by_second: defaultdict[int, Counter[str]] = defaultdict(Counter)


@app.get("/hello/<name>")
def hello(name: str) -> dict[str, int]:
    second = int(time.monotonic())
    by_second[second][name] += 1
    for old in [one for one in by_second if one < second - KEPT]:
        del by_second[old]
    return {"lately": sum(map(len, by_second.values()))}
