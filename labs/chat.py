"""A chat whose rooms keep all that was ever said, two levels below an extension."""

from __future__ import annotations

from flask import Flask

app = Flask(__name__)


class Room:
    """One room."""

    def __init__(self) -> None:
        self.said: list[str] = []


class Chat:
    """All rooms."""

    def __init__(self) -> None:
        self.lobby = Room()


app.extensions["chat"] = Chat()


@app.get("/say/<text>")
def say(text: str) -> dict[str, int]:
    room: Room = app.extensions["chat"].lobby
    room.said.append(f"{len(room.said)}: {text} ".ljust(900, "-"))
    return {"said": len(room.said)}


@app.get("/rooms")
def rooms() -> dict[str, list[str]]:
    return {"rooms": ["lobby"]}
