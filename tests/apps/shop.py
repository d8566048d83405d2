"""A Flask application that knows nothing of Bugsly, and does what a test asks of it."""

import itertools
import os
import signal
import threading
import time
from pathlib import Path

from flask import Flask, Response, send_file

app = Flask(__name__)
eaten: list[bytearray] = []


@app.get("/")
def index() -> str:
    return str(os.getpid())


@app.get("/items/<int:number>")
def item(number: int) -> str:
    return f"item {number}"


@app.get("/stream")
def stream() -> Response:
    return Response(iter(["hello", " ", "world"]))


@app.get("/endless")
def endless() -> Response:
    return Response(b"x" * 10_000 for _ in itertools.count())


@app.get("/file")
def file() -> Response:
    return send_file(Path(__file__))


@app.get("/broken")
def broken() -> str:
    raise ValueError("broken")


@app.get("/leave/<int:code>")
def leave(code: int) -> str:
    os._exit(code)


@app.get("/signal/<int:number>")
def send_signal(number: int) -> str:
    signal.raise_signal(signal.Signals(number))
    return "survived"


@app.get("/busy/<int:seconds>")
def busy(seconds: int) -> str:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass
    return "done"


@app.get("/eat/<int:megabytes>")
def eat(megabytes: int) -> str:
    eaten.extend(bytearray(os.urandom(1) * 1_000_000) for _ in range(megabytes))
    return "eaten"


@app.get("/threads")
def threads() -> str:
    return ",".join(sorted(thread.name for thread in threading.enumerate()))
