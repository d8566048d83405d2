"""Counts requests for Prometheus, by path."""

from __future__ import annotations

from flask import Flask, request
from prometheus_client import Counter

app = Flask(__name__)
SERVED = Counter("served", "Requests by path", ["method", "path"])


@app.get("/users/<int:number>/orders")
def orders(number: int) -> dict[str, int]:
    SERVED.labels(request.method, request.path).inc()
    return {"user": number}


@app.get("/ready")
def ready() -> dict[str, bool]:
    return {"ready": True}
