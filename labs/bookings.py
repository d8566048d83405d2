"""Books seats and keeps the requests themselves, for a report."""

from __future__ import annotations

from flask import Flask, request
from flask.wrappers import Request

app = Flask(__name__)


class Ledger:
    """What was booked, and by which request."""

    def __init__(self) -> None:
        self.lines: list[Request] = []

    def book(self, made_by: Request) -> int:
        """Write a booking down."""
        self.lines.append(made_by)
        return len(self.lines)


ledger = Ledger()


@app.get("/book/<int:seat>")
def book(seat: int) -> dict[str, int]:
    whole: Request = request._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    return {"seat": seat, "number": ledger.book(whole)}


@app.get("/seats")
def seats() -> dict[str, int]:
    return {"free": 120}
