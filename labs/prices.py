"""A price list with an audit trail that nobody empties."""

from __future__ import annotations

import time
from typing import Any

from flask import Flask, request

app = Flask(__name__)
request_log: list[dict[str, Any]] = []


@app.get("/api/prices/<sku>")
def price(sku: str) -> dict[str, Any]:
    cents = sum(sku.encode()) % 9_000 + 100
    entry = {
        "at": time.time(),
        "path": request.path,
        "agent": str(request.user_agent),
        "answer": {"sku": sku, "cents": cents, "history": [cents - step for step in range(12)]},
    }
    request_log.append(entry)
    return {"sku": sku, "cents": cents}


@app.get("/api/currencies")
def currencies() -> dict[str, list[str]]:
    return {"currencies": ["EUR", "USD", "CHF"]}
