"""A Flask application that leaks in ways that are no container of its own."""

import threading

from flask import Flask, Response, request
from sqlalchemy import QueuePool, create_engine, text

app = Flask(__name__)
engine = create_engine(
    "sqlite://",
    poolclass=QueuePool,
    pool_size=100,
    connect_args={"check_same_thread": False},  # the collector may run in any thread
)
stopping = threading.Event()
errors: list[Exception] = []
BIG = 1_000_000


@app.get("/")
def index() -> str:
    return "ok"


@app.get("/connection")
def connection() -> str:
    taken = engine.connect()
    kept = [taken]
    kept.append(kept)  # type: ignore[arg-type]
    return str(taken.execute(text("SELECT 1")).scalar())


@app.get("/closed")
def closed() -> str:
    with engine.connect() as taken:
        return str(taken.execute(text("SELECT 1")).scalar())


@app.get("/thread")
def thread() -> str:
    threading.Thread(target=wait, daemon=True).start()
    return "started"


def wait() -> None:
    stopping.wait()


@app.get("/whole")
def whole() -> Response:
    return Response(b"x" * BIG)


@app.get("/streamed")
def streamed() -> Response:
    return Response(b"x" * 1_000 for _ in range(BIG // 1_000))


@app.get("/broken")
def broken() -> str:
    raise ValueError(request.path)


@app.errorhandler(ValueError)
def remember(error: ValueError) -> tuple[str, int]:
    errors.append(error)
    return "sorry", 500
