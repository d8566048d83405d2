"""Streams a film in pieces."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from flask import Flask, Response

app = Flask(__name__)
FILM = Path(tempfile.gettempdir()) / "film-24mb.bin"
if not FILM.exists():
    FILM.write_bytes(bytes(range(256)) * 4096 * 24)


def pieces() -> Iterator[bytes]:
    """Yield the film in pieces of 64 kB."""
    with FILM.open("rb") as file:
        while piece := file.read(65_536):
            yield piece


@app.get("/films/<int:number>")
def film(number: int) -> Response:
    return Response(pieces(), headers={"X-Film": str(number)}, mimetype="video/mp4")


@app.get("/films")
def films() -> dict[str, int]:
    return {"films": 1}
