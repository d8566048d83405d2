"""Keeps the newest lines of a journal, and cuts the older ones off now and then."""

from __future__ import annotations

from flask import Flask

app = Flask(__name__)
KEPT: int = 4_000
SLACK: int = 500
lines: list[str] = []


def write(line: str) -> None:
    """Add a line; from time to time drop the oldest."""
    lines.append(line)
    if len(lines) > KEPT + SLACK:
        lines[:] = lines[-KEPT:]


@app.get("/notes/<int:number>")
def note(number: int) -> dict[str, int]:
    write(f"note {number} ".ljust(900, "."))
    return {"note": number}


@app.get("/volumes")
def volumes() -> dict[str, int]:
    return {"volumes": 3}
