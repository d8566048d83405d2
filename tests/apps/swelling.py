"""A Flask application that keeps a megabyte of every request, and boots when it is let.

BOOT names a file: while it is there, the application cannot be loaded, in the way its text says.
"""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from flask import Flask, request

MEGABYTE = 1_000_000
kept: list[bytearray] = []
endless = threading.Event()

boot = Path(os.environ["BOOT"])
while boot.exists() and boot.read_text() == "hangs":
    time.sleep(0.05)
if boot.exists():
    if boot.read_text() == "is killed":
        os.kill(os.getpid(), signal.SIGKILL)
    raise RuntimeError("it cannot be loaded")

app = Flask(__name__)


@app.get("/")
def index() -> str:
    kept.append(bytearray(os.urandom(1) * MEGABYTE))
    return str(os.getpid())


@app.get("/hold")
def hold() -> str:
    swell()
    endless.wait()
    return "never"


@app.get("/stream")
def stream() -> Iterator[str]:
    swell()
    yield "begun"
    endless.wait()


@app.get("/socket")
def socket() -> str:
    """Wait for what the client never says, as a websocket does."""
    swell()
    request.environ["gunicorn.socket"].recv(1)
    return "never"


@app.get("/swell")
def swell() -> str:
    kept.append(bytearray(os.urandom(1) * 100 * MEGABYTE))
    return str(os.getpid())
