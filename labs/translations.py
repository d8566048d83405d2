"""Translates texts; every thread has a session of its own with the engine."""

from __future__ import annotations

import threading

from flask import Flask

app = Flask(__name__)
local = threading.local()


def session() -> list[str]:
    """Return what this thread's session knows."""
    if not hasattr(local, "spoken"):
        local.spoken = []
    spoken: list[str] = local.spoken
    return spoken


@app.get("/translate/<text>")
def translate(text: str) -> dict[str, str]:
    known = session()
    known.append(f"{len(known)} {text} ".ljust(1_600, "~"))
    return {"text": text[::-1]}


@app.get("/languages")
def languages() -> dict[str, list[str]]:
    return {"languages": ["de", "fr"]}
