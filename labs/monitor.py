"""Counts requests for Prometheus, by endpoint and status: a handful of series."""

from __future__ import annotations

from flask import Flask, Response, request
from prometheus_client import Counter, Histogram, generate_latest

app = Flask(__name__)
SERVED = Counter("answered", "Requests by endpoint", ["endpoint", "status"])
SIZES = Histogram("sizes", "Sizes of the answers", ["endpoint"])


@app.after_request
def count(response: Response) -> Response:
    endpoint = request.endpoint or "none"
    SERVED.labels(endpoint, str(response.status_code)).inc()
    SIZES.labels(endpoint).observe(response.content_length or 0)
    return response


@app.get("/nodes/<int:number>")
def node(number: int) -> dict[str, int]:
    return {"node": number}


@app.get("/metrics")
def metrics() -> Response:
    return Response(generate_latest(), mimetype="text/plain")
