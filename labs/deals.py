"""Looks deals up in one of two caches, of which one was made without a limit."""

from __future__ import annotations

from collections import OrderedDict

from flask import Flask

app = Flask(__name__)


class Recent:
    """Drops what was not used for longest, beyond so many entries."""

    def __init__(self, most: int | None = None) -> None:
        self.most = most
        self.kept: OrderedDict[int, str] = OrderedDict()

    def get(self, number: int) -> str:
        """Return the text of a deal."""
        if number not in self.kept:
            self.kept[number] = f"deal {number} ".ljust(900, ".")
        self.kept.move_to_end(number)
        while self.most and len(self.kept) > self.most:
            self.kept.popitem(last=False)
        return self.kept[number]


deals = Recent()
offers = Recent(2_000)


@app.get("/deals/<int:number>")
def deal(number: int) -> str:
    return deals.get(number)


@app.get("/offers/<int:number>")
def offer(number: int) -> str:
    return offers.get(number)
