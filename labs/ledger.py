"""A ledger that asks its database a different question each time, and closes connections."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import create_engine, text
from sqlalchemy.pool import StaticPool

app = Flask(__name__)
engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})


@app.get("/sums/<int:number>")
def total(number: int) -> dict[str, int]:
    terms = " + ".join(f"{number % 977} * {one}" for one in range(9))
    with engine.connect() as connection:
        return {"total": int(connection.execute(text(f"SELECT {terms}")).scalar_one())}


@app.get("/accounts")
def accounts() -> dict[str, int]:
    with engine.connect() as connection:
        return {"accounts": int(connection.execute(text("SELECT 3")).scalar_one())}
