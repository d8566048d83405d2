"""Keeps something of every request, in each of the places that only a walk of the heap can see."""

import gc
import queue
import threading
from functools import cache
from typing import Any

from blinker import Signal
from flask import Flask

app = Flask(__name__)
errors: list[ValueError] = []
mine = threading.local()
order_placed = Signal()
placed: queue.SimpleQueue["Order"] = queue.SimpleQueue()


class Order:
    def __init__(self, number: int) -> None:
        self.number = number
        self.lines = [str(number)]
        self.me: Order | None = None


class Client:
    """A client of a library, that keeps what it sent two objects down."""

    def __init__(self) -> None:
        self.transport = Transport()


class Transport:
    def __init__(self) -> None:
        self.log: list[Order] = []


client = Client()


def make() -> Any:
    seen: dict[int, Order] = {}

    def see(number: int) -> str:
        seen[number] = Order(number)
        return "ok"

    return see


app.add_url_rule("/closure/<int:number>", "closure", make())


@app.get("/instance/<int:number>")
def instance(number: int) -> str:
    client.transport.log.append(Order(number))
    return "ok"


@app.get("/signal/<int:number>")
def signal(number: int) -> str:
    kept = Order(number)

    def receive(_sender: object) -> Order:
        return kept

    order_placed.connect(receive, weak=False)
    return "ok"


def refuse(number: int) -> None:
    body = bytes(2_000)
    raise ValueError(number, len(body))


@app.get("/error/<int:number>")
def error(number: int) -> str:
    try:
        refuse(number)
    except ValueError as failed:
        errors.append(failed)
    return "ok"


@app.get("/local/<int:number>")
def local(number: int) -> str:
    vars(mine).setdefault("cache", []).append(Order(number))
    return "ok"


def gather() -> None:
    gathered = []
    while True:
        gathered.append(placed.get())


@cache
def start_gathering() -> None:
    threading.Thread(target=gather, daemon=True).start()


@app.get("/call/<int:number>")
def call(number: int) -> str:
    start_gathering()
    placed.put(Order(number))
    return "ok"


@app.get("/cycle/<int:number>")
def cycle(number: int) -> str:
    gc.disable()
    order = Order(number)
    order.me = order
    return "ok"


@app.get("/plain")
def plain() -> str:
    return "ok"
