"""Shows three thousand articles, and keeps the page of each."""

from __future__ import annotations

from flask import Flask

app = Flask(__name__)
ARTICLES = 3_000
pages: dict[int, str] = {}


@app.get("/articles/<int:number>")
def article(number: int) -> str:
    number %= ARTICLES
    page = pages.get(number)
    if page is None:
        page = pages[number] = f"<p>article {number}</p>".ljust(3_000)
    return page
