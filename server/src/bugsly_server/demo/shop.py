"""The shop app; one endpoint keeps every response it has given."""

from __future__ import annotations

import math
from typing import Any

from flask import Flask, abort

app = Flask(__name__)

PRODUCTS = {
    number: {"id": number, "name": f"Product {number}", "cents": 500 + 37 * number}
    for number in range(1, 201)
}
PAGE_SIZE = 40
delivered_feeds: list[list[dict[str, Any]]] = []
"""Never emptied: this is the leak."""


@app.get("/")
def home() -> dict[str, Any]:
    """List a few products."""
    return {"products": list(PRODUCTS.values())[:PAGE_SIZE]}


@app.get("/products/<int:number>")
def product(number: int) -> dict[str, Any]:
    """Show one product."""
    if number not in PRODUCTS:
        abort(404)
    return {"product": PRODUCTS[number]}


@app.get("/search/<text>")
def search(text: str) -> dict[str, Any]:
    """Find products by name."""
    found = [one for one in PRODUCTS.values() if text in str(one["name"])]
    return {"found": found[:PAGE_SIZE], "pages": math.ceil(len(found) / PAGE_SIZE)}


@app.get("/partner/feed")
def partner_feed() -> dict[str, Any]:
    """Give a partner the current prices."""
    feed = [{**one, "label": f"{one['name']} for partners"} for one in PRODUCTS.values()][
        :PAGE_SIZE
    ]
    delivered_feeds.append(feed)
    return {"feed": feed}
