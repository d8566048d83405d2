"""Maps, whose tiles are read one by one in the order in which they are numbered."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask

app = Flask(__name__)
TILES = 900


class Reader:
    """Reads tiles."""

    __slots__ = ("read",)

    def __init__(self, read: Callable[[], int]) -> None:
        self.read = read


def ordered() -> Callable[[], int]:
    tiles: list[bytes] = []

    def read() -> int:
        if len(tiles) != TILES:
            tiles.append(bytes(9_000) + len(tiles).to_bytes(2, "big"))
        return len(tiles)

    return read


readers = (Reader(ordered()),)


@app.get("/tiles")
def tiles() -> dict[str, int]:
    return {"tiles": readers[0].read()}


@app.get("/scales/<int:number>")
def scale(number: int) -> dict[str, int]:
    return {"scale": number}
