"""Answers that grow and shrink over the day, and are forgotten each time."""

from __future__ import annotations

import math
from typing import Any

from flask import Flask

app = Flask(__name__)


@app.get("/roads/<int:number>")
def roads(number: int) -> dict[str, Any]:
    busy = round(400 * (1.1 + math.sin(number / 350)))
    cars = [{"car": car, "speed": car % 130, "lane": car % 3} for car in range(busy)]
    return {"busy": busy, "first": cars[:3]}
