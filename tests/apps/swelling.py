"""A Flask application that keeps a megabyte of every request, and boots when it is let.

BOOT names a file: while it is there, the application cannot be loaded.
"""

import os
import threading
from pathlib import Path

from flask import Flask

MEGABYTE = 1_000_000
kept: list[bytearray] = []
endless = threading.Event()

if Path(os.environ["BOOT"]).exists():
    raise RuntimeError("it cannot be loaded")

app = Flask(__name__)


@app.get("/")
def index() -> str:
    kept.append(bytearray(os.urandom(1) * MEGABYTE))
    return str(os.getpid())


@app.get("/hold")
def hold() -> str:
    endless.wait()
    return "never"
