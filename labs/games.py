"""Games that live as long as somebody looks at them."""

from __future__ import annotations

from weakref import WeakSet, WeakValueDictionary

from flask import Flask

app = Flask(__name__)


class Game:
    """One game, with its board."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.board = bytearray(5_000)


running: WeakSet[Game] = WeakSet()
by_number: WeakValueDictionary[int, Game] = WeakValueDictionary()


@app.get("/games/<int:number>")
def play(number: int) -> dict[str, int]:
    game = Game(number)
    running.add(game)
    by_number[number] = game
    return {"game": by_number[number].number}
