"""Logs each order to a file of its own: a handler more for every order."""

from __future__ import annotations

import io
import logging

from flask import Flask

app = Flask(__name__)
log = logging.getLogger("orders.audit")
log.propagate = False


@app.get("/orders/<int:number>")
def order(number: int) -> dict[str, int]:
    target = logging.StreamHandler(io.StringIO())
    target.setFormatter(logging.Formatter(f"order {number} %(message)s"))
    log.addHandler(target)
    return {"order": number}


@app.get("/orders/open")
def still_open() -> dict[str, int]:
    return {"open": 3}
