"""Tickets through an ORM session that is opened and kept for each request."""

from __future__ import annotations

import tempfile
from pathlib import Path

from flask import Flask
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

app = Flask(__name__)
folder = Path(tempfile.mkdtemp(prefix="tickets-"))
engine = create_engine(f"sqlite:///{folder / 'tickets.db'}", pool_size=5, max_overflow=-1)
open_sessions: dict[int, Session] = {}


@app.get("/tickets/<int:number>")
def ticket(number: int) -> dict[str, int]:
    session = Session(engine)
    open_sessions[number] = session
    return {"ticket": int(session.execute(text("SELECT 7")).scalar_one())}


@app.get("/queues")
def queues() -> dict[str, int]:
    return {"queues": 1}
