"""Notes every visit before it is served, in a worker that nobody ever restarts."""

from __future__ import annotations

import hashlib

from flask import Flask, request

app = Flask(__name__)


class Visits:
    """Who came, and with which page."""

    seen: dict[str, dict[str, str]] = {}

    @classmethod
    def note(cls, path: str, headers: dict[str, str]) -> None:
        """Remember a visit."""
        token = hashlib.sha1(path.encode()).hexdigest() + str(len(cls.seen))
        cls.seen[token] = headers


@app.before_request
def note_visit() -> None:
    Visits.note(request.path, {**dict(request.headers), "query": request.query_string.decode()})


@app.get("/articles/<int:number>")
def article(number: int) -> dict[str, int]:
    return {"article": number}


@app.get("/authors/<int:number>")
def author(number: int) -> dict[str, int]:
    return {"author": number}
