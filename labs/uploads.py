"""Takes measurements; a failed one is kept for a look that never comes."""

from __future__ import annotations

from typing import Any

from flask import Flask

app = Flask(__name__)
for_later: list[Exception] = []


def parse(text: str) -> list[int]:
    """Return the numbers of a line, which may hold none."""
    rows = [text] * 40
    return [int(row) for row in rows]


@app.get("/measure/<text>")
def measure(text: str) -> tuple[dict[str, Any], int]:
    try:
        return {"sum": sum(parse(text))}, 200
    except ValueError as error:
        for_later.append(error)
        return {"error": "no number"}, 400


@app.get("/units")
def units() -> dict[str, list[str]]:
    return {"units": ["m", "kg", "s"]}
