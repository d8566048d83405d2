"""Pays through a client that is made for each payment and closed when Python exits."""

from __future__ import annotations

import atexit
import json

from flask import Flask

app = Flask(__name__)


class Gateway:
    """A connection to the bank, with its settings and its buffer."""

    def __init__(self, merchant: str) -> None:
        self.settings = {"merchant": merchant, "retries": 3, "timeout": 4.0}
        self.buffer = bytearray(2_000)
        atexit.register(self.close)

    def pay(self, cents: int) -> str:
        """Return the receipt of a payment."""
        return json.dumps({**self.settings, "cents": cents})

    def close(self) -> None:
        """Empty the buffer."""
        self.buffer.clear()


@app.get("/pay/<int:cents>")
def pay(cents: int) -> str:
    gateway = Gateway("shop-7")
    return gateway.pay(cents)


@app.get("/methods")
def methods() -> dict[str, list[str]]:
    return {"methods": ["card", "transfer"]}
