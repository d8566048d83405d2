"""Keeps each preview in a file in memory, whose descriptor it drops."""

from __future__ import annotations

import os

from flask import Flask

app = Flask(__name__)


@app.get("/previews/<int:number>")
def preview(number: int) -> dict[str, int]:
    sheet = os.memfd_create(f"preview-{number}")
    written = os.write(sheet, bytes(20_000))
    return {"bytes": written}


@app.get("/printers")
def printers() -> dict[str, int]:
    return {"printers": 2}
