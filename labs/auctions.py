"""An auction house; each lot tells its bidders of every bid."""

from __future__ import annotations

from blinker import Signal
from flask import Flask

app = Flask(__name__)


class Bidder:
    """Somebody who wants to hear of bids."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.notes = f"{number} ".ljust(4_500, "?")

    def hear(self, _sender: object) -> int:
        """Return who heard of it."""
        return self.number


class Lot:
    """Something to bid for."""

    __slots__ = ("bid",)

    def __init__(self) -> None:
        self.bid = Signal()


lots = [Lot() for _ in range(600)]


@app.get("/bids/<int:number>")
def bid(number: int) -> dict[str, int]:
    lots[number % len(lots)].bid.connect(Bidder(number).hear, weak=False)
    return {"bid": number}


@app.get("/lots")
def number_of_lots() -> dict[str, int]:
    return {"lots": len(lots)}
