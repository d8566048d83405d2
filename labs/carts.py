"""Hands each cart to other workers through shared memory, and never removes one."""

from __future__ import annotations

import atexit
import json
from pathlib import Path

from flask import Flask

app = Flask(__name__)
SHARED = Path("/dev/shm")


def clear() -> None:
    for old in SHARED.glob("bugsly-lab-cart-*"):
        old.unlink(missing_ok=True)


atexit.register(clear)


@app.get("/carts/<int:number>")
def cart(number: int) -> dict[str, int]:
    goods = json.dumps({"cart": number, "goods": [number % 7] * 400})
    SHARED.joinpath(f"bugsly-lab-cart-{number}").write_text(goods)
    return {"cart": number}


@app.get("/prices")
def prices() -> dict[str, int]:
    return {"bread": 3}
