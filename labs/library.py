"""Books from a database, with a connection that is closed each time."""

from __future__ import annotations

import tempfile
from pathlib import Path

from flask import Flask
from sqlalchemy import create_engine, text

app = Flask(__name__)
folder = Path(tempfile.mkdtemp(prefix="library-"))
engine = create_engine(f"sqlite:///{folder / 'library.db'}")


@app.get("/books/<int:number>")
def book(number: int) -> dict[str, int]:
    with engine.connect() as connection:
        found = connection.execute(text("SELECT :n + 1"), {"n": number})
        return {"book": int(found.scalar_one())}


@app.get("/shelves")
def shelves() -> dict[str, int]:
    with engine.connect() as connection:
        return {"shelves": int(connection.execute(text("SELECT 12")).scalar_one())}
