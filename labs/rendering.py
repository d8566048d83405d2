"""Borrows drawing boards from a pool, which makes another while it has too few."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask

app = Flask(__name__)
MAX_BOARDS = 12
lock = threading.Lock()
boards: list[bytearray] = []
made = 0


@contextmanager
def board() -> Iterator[bytearray]:
    """Lend a board for the block."""
    global made
    with lock:
        lent = boards.pop() if boards and made >= MAX_BOARDS else bytearray(700_000)
        made = min(made + 1, MAX_BOARDS)
    try:
        yield lent
    finally:
        with lock:
            if len(boards) < MAX_BOARDS:
                boards.append(lent)


@app.get("/draw/<int:number>")
def draw(number: int) -> dict[str, int]:
    with board() as lent:
        lent[number % len(lent)] = 1
        time.sleep(0.002)
        return {"drawn": number}
