"""A Flask application of two modules' worth of holders: some grow with requests, some stop."""

from collections import deque
from functools import lru_cache
from typing import Any

from flask import Flask, request
from werkzeug.local import LocalProxy

log: list[dict[str, str]] = []
latest: deque[str] = deque(maxlen=20)
asked: list[str] = []


def _now() -> str:
    asked.append("evaluated")
    return "now"


current = LocalProxy(_now)


@lru_cache(maxsize=30)
def squared(number: int) -> int:
    return number * number


def create_app() -> Flask:
    app = Flask(__name__)
    seen: dict[int, dict[str, Any]] = {}

    @app.get("/items/<int:number>")
    def item(number: int) -> str:
        log.append({"path": request.path, "agent": str(request.user_agent)})
        latest.append(request.path)
        return str(squared(number))

    @app.get("/seen/<int:number>")
    def see(number: int) -> str:
        seen[number] = {"number": number}
        return str(len(seen))

    @app.get("/asked")
    def how_often() -> str:
        return str(len(asked))

    return app


app = create_app()
