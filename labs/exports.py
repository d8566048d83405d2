"""An export that is big when it is asked for, which is seldom."""

from __future__ import annotations

from flask import Flask

app = Flask(__name__)


@app.get("/export/<int:number>")
def export(number: int) -> dict[str, int]:
    rows = 150_000 if number % 400 == 7 else 20
    table = [{"row": row, "cents": row * 3} for row in range(rows)]
    return {"rows": len(table)}


@app.get("/columns")
def columns() -> dict[str, list[str]]:
    return {"columns": ["row", "cents"]}
