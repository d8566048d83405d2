"""Keeps the last forty failures for whoever is on duty."""

from __future__ import annotations

from collections import deque
from typing import Any

from flask import Flask

app = Flask(__name__)
failures: deque[BaseException] = deque(maxlen=40)


@app.get("/cases/<text>")
def case(text: str) -> tuple[dict[str, Any], int]:
    try:
        return {"case": int(text)}, 200
    except ValueError as error:
        failures.append(error)
        return {"error": str(error)}, 400
