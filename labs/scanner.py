"""Scans documents in one pool of threads for all requests."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from flask import Flask

app = Flask(__name__)
pool = ThreadPoolExecutor(max_workers=8)


def scan(number: int) -> int:
    """Return how many words a document has."""
    return len(f"document {number} has words ".split() * 200)


@app.get("/documents/<int:number>")
def document(number: int) -> dict[str, int]:
    return {"words": pool.submit(scan, number).result()}
