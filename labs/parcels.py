"""Parcels wait in a queue for a courier, who takes them in the background."""

from __future__ import annotations

import threading
from queue import Queue

from flask import Flask

app = Flask(__name__)
parcels: Queue[str] = Queue()
courier: list[threading.Thread] = []
starting = threading.Lock()


def deliver() -> None:
    """Take parcels for as long as there is a worker."""
    while True:
        parcels.get()


@app.get("/send/<int:number>")
def send(number: int) -> dict[str, int]:
    with starting:
        if not courier:
            courier.append(threading.Thread(target=deliver, daemon=True))
            courier[0].start()
    parcels.put(f"parcel {number} ".ljust(2_000))
    return {"waiting": parcels.qsize()}
