"""The last readings of a machine, in a ring."""

from __future__ import annotations

import time
from collections import deque

from flask import Flask

app = Flask(__name__)
readings: deque[dict[str, float]] = deque(maxlen=1_200)


@app.get("/readings/<int:value>")
def take(value: int) -> dict[str, float]:
    reading = {f"sensor-{one}": value * 1.1 + one for one in range(30)}
    readings.append({"at": time.time(), **reading})
    return {"mean": sum(one["sensor-0"] for one in list(readings)[-10:]) / 10}
