"""A dictionary that reads each letter's words when they are first asked for."""

from __future__ import annotations

from flask import Flask

app = Flask(__name__)
words: dict[int, list[str]] = {}


def page(number: int) -> list[str]:
    """Return a page, of forty there are."""
    if number not in words:
        words[number] = [f"word-{number}-{one}" * 3 for one in range(4_000)]
    return words[number]


@app.get("/pages/<int:number>")
def show(number: int) -> dict[str, str]:
    return {"first": page(number % 40)[0]}
