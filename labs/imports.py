"""Reads lines that partners send; what cannot be read is looked at when somebody has time."""

from __future__ import annotations

from flask import Flask

app = Flask(__name__)


class Desk:
    """Where lines wait."""

    __slots__ = ("unread",)

    def __init__(self) -> None:
        self.unread: list[BaseException] = []


desks = (Desk(),)


@app.get("/lines/<text>")
def line(text: str) -> tuple[dict[str, int], int]:
    padded = text.ljust(2_000)
    try:
        return {"amount": int(padded)}, 200
    except ValueError as error:
        desks[0].unread.append(error)
        return {"amount": 0}, 400


@app.get("/partners")
def partners() -> dict[str, int]:
    return {"partners": 4}
