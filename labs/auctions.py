"""An auction tells its bidders of every bid."""

from __future__ import annotations

from blinker import Signal
from flask import Flask

app = Flask(__name__)


class Bidder:
    """Somebody who wants to hear of bids."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.notes = "?" * 900

    def hear(self, _sender: object) -> int:
        """Return who heard of it."""
        return self.number


class House:
    """An auction house."""

    __slots__ = ("bid",)

    def __init__(self) -> None:
        self.bid = Signal()


houses = (House(),)


@app.get("/bids/<int:number>")
def bid(number: int) -> dict[str, int]:
    houses[0].bid.connect(Bidder(number).hear, weak=False)
    return {"bid": number}


@app.get("/lots")
def lots() -> dict[str, int]:
    return {"lots": 12}
