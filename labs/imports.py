"""Reads lines that partners send; a thread looks after those that cannot be read."""

from __future__ import annotations

import queue
import threading

from flask import Flask

app = Flask(__name__)
wrong: queue.SimpleQueue[BaseException] = queue.SimpleQueue()
started = threading.Event()


def look_after() -> None:
    unread = []
    while True:
        unread.append(wrong.get())


@app.get("/lines/<text>")
def line(text: str) -> tuple[dict[str, int], int]:
    if not started.is_set():
        started.set()
        threading.Thread(target=look_after, daemon=True).start()
    padded = text.ljust(2_000)
    try:
        return {"amount": int(padded)}, 200
    except ValueError as error:
        wrong.put(error)
        return {"amount": 0}, 400


@app.get("/partners")
def partners() -> dict[str, int]:
    return {"partners": 4}
