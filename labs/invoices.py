"""Invoices from a database; the view opens a connection and leaves it open."""

from __future__ import annotations

import tempfile
from pathlib import Path

from flask import Flask
from sqlalchemy import create_engine, text

app = Flask(__name__)
folder = Path(tempfile.mkdtemp(prefix="invoices-"))
engine = create_engine(f"sqlite:///{folder / 'invoices.db'}", pool_timeout=5)

with engine.begin() as setup:
    setup.execute(text("CREATE TABLE IF NOT EXISTS invoice (number INTEGER, cents INTEGER)"))
    setup.execute(text("INSERT INTO invoice VALUES (1, 1200), (2, 950), (3, 40000)"))


@app.get("/invoices/<int:number>")
def invoice(number: int) -> dict[str, int | None]:
    conn = engine.connect()
    found = conn.execute(text("SELECT cents FROM invoice WHERE number = :n"), {"n": number % 4})
    return {"number": number, "cents": found.scalar()}


@app.get("/terms")
def terms() -> dict[str, int]:
    return {"days": 14}
