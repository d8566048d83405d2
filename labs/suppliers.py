"""Asks suppliers for stock, each through an opener of its own; every answer sets a cookie."""

from __future__ import annotations

import urllib.request
from http.cookiejar import Cookie

from flask import Flask

app = Flask(__name__)
HOST = "supplier.test"


class Supplier:
    """One of them."""

    def __init__(self) -> None:
        self.cookies = urllib.request.HTTPCookieProcessor()
        self.opener = urllib.request.build_opener(self.cookies)

    def ask(self, number: int) -> int:
        """Return the stock of an article."""
        value = str(number).ljust(4_000, "0")
        self.cookies.cookiejar.set_cookie(cookie(f"visit-{number}", value))
        return number % 7


def cookie(name: str, value: str) -> Cookie:
    return Cookie(
        version=0,
        name=name,
        value=value,
        port=None,
        port_specified=False,
        domain=HOST,
        domain_specified=True,
        domain_initial_dot=False,
        path="/",
        path_specified=True,
        secure=False,
        expires=None,
        discard=True,
        comment=None,
        comment_url=None,
        rest={},
    )


suppliers = [Supplier() for _ in range(500)]


@app.get("/stock/<int:number>")
def stock(number: int) -> dict[str, int]:
    return {"stock": suppliers[number % len(suppliers)].ask(number)}


@app.get("/suppliers")
def number_of_suppliers() -> dict[str, int]:
    return {"suppliers": len(suppliers)}
