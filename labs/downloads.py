"""Hands out a catalogue by reading all of it first."""

from __future__ import annotations

import tempfile
from pathlib import Path

from flask import Flask, Response

app = Flask(__name__)
CATALOGUE = Path(tempfile.gettempdir()) / "catalogue-24mb.bin"
if not CATALOGUE.exists():
    CATALOGUE.write_bytes(bytes(range(256)) * 4096 * 24)


@app.get("/catalogue")
def catalogue() -> Response:
    with open(CATALOGUE, "rb") as file:
        return Response(file.read(), mimetype="application/octet-stream")


@app.get("/catalogue/size")
def size() -> dict[str, int]:
    return {"bytes": CATALOGUE.stat().st_size}
