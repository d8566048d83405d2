"""The app that the recycling of workers is measured on: every request leaves some memory behind."""

from __future__ import annotations

import os

from flask import Flask

LEAK_BYTES = int(os.environ.get("BENCH_SWELL", "40000"))
app = Flask("bench")
kept: list[bytes] = []


@app.get("/")
def swell() -> str:
    """Keep a little."""
    kept.append(os.urandom(1) * LEAK_BYTES)
    return "ok"


@app.get("/plain")
def plain() -> str:
    """Keep nothing."""
    return "ok"
