"""Tells customers where their parcel is; each message goes through two steps around `send`."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask

app = Flask(__name__)
Step = Callable[[str], int]


class Channel:
    """A way to a customer."""

    __slots__ = ("publish",)

    def __init__(self, publish: Step) -> None:
        self.publish = publish


def numbered(step: Step) -> Step:
    given: list[str] = []

    def publish(text: str) -> int:
        given.append(f"{len(given)} {text} ".ljust(1_300, "."))
        return step(text)

    return publish


def timed(step: Step) -> Step:
    def publish(text: str) -> int:
        return step(text)

    return publish


def send(text: str) -> int:
    return len(text)


channels = (Channel(timed(numbered(send))),)


@app.get("/parcels/<int:number>/tell")
def tell(number: int) -> dict[str, int]:
    return {"sent": channels[0].publish(f"Parcel {number} is on its way")}


@app.get("/depots")
def depots() -> dict[str, list[str]]:
    return {"depots": ["north", "south"]}
