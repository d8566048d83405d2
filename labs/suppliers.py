"""Asks suppliers for stock with one opener; each answer sets a cookie of its own."""

from __future__ import annotations

import urllib.request
from http.cookiejar import Cookie, CookieJar

from flask import Flask

app = Flask(__name__)
jar = urllib.request.HTTPCookieProcessor(CookieJar())
opener = urllib.request.build_opener(jar)


def cookie(name: str, value: str) -> Cookie:
    host = "supplier.test"
    rest: dict[str, str] = {}
    return Cookie(
        0,
        name,
        value,
        None,
        False,
        host,
        True,
        False,
        "/",
        True,
        False,
        None,
        False,
        None,
        None,
        rest,
    )


@app.get("/suppliers/<int:number>")
def supplier(number: int) -> dict[str, int]:
    jar.cookiejar.set_cookie(cookie(f"visit-{number}", str(number).ljust(1_000, "0")))
    return {"stock": number % 7}


@app.get("/suppliers")
def suppliers() -> dict[str, list[str]]:
    return {"suppliers": ["anvil", "bolt"]}
