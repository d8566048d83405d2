"""Watches the stock through a signal, with a receiver more for every reservation."""

from __future__ import annotations

from blinker import Signal
from flask import Flask

app = Flask(__name__)
stock_changed = Signal()


@app.get("/reserve/<int:product>")
def reserve(product: int) -> dict[str, int]:
    note = {"product": product, "text": f"reserved {product} " * 30}

    def on_change(_sender: object) -> None:
        note["seen"] = True

    stock_changed.connect(on_change, weak=False)
    return {"reserved": product}


@app.get("/stock/<int:product>")
def stock(product: int) -> dict[str, int]:
    return {"product": product, "left": product % 17}
