"""Sends a confirmation in the background, from a thread that never ends."""

from __future__ import annotations

import threading

from flask import Flask

app = Flask(__name__)
closing = threading.Event()


def deliver(address: str) -> None:
    """Wait for an answer of the post office."""
    letter = f"Dear {address}, " * 20
    closing.wait()
    del letter


@app.get("/confirm/<address>")
def confirm(address: str) -> dict[str, str]:
    threading.Thread(target=deliver, args=(address,), daemon=True).start()
    return {"to": address}


@app.get("/outbox")
def outbox() -> dict[str, int]:
    return {"waiting": 0}
