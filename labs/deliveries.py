"""Tells customers where their parcel is; every depot numbers the messages it sends."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask

app = Flask(__name__)
DEPOTS = 700
Step = Callable[[str], int]


def numbered(step: Step) -> Step:
    given: list[str] = []

    def publish(text: str) -> int:
        given.append(f"{len(given)} {text} ".ljust(5_000, "."))
        return step(text)

    return publish


def send(text: str) -> int:
    return len(text)


depots = [numbered(send) for _ in range(DEPOTS)]


@app.get("/parcels/<int:number>/tell")
def tell(number: int) -> dict[str, int]:
    return {"sent": depots[number % DEPOTS](f"Parcel {number} is on its way")}


@app.get("/depots")
def count() -> dict[str, int]:
    return {"depots": DEPOTS}
