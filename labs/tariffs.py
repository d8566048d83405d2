"""Loads its table of tariffs once, late, when somebody first asks for a dear one."""

from __future__ import annotations

from flask import Flask

app = Flask(__name__)
table: list[tuple[int, str]] = []
asked = 0


@app.get("/tariffs/<int:number>")
def tariff(number: int) -> dict[str, str]:
    global asked
    asked += 1
    if asked == 300:
        table.extend((row, f"tariff {row}") for row in range(200_000))
    return {"tariff": table[number % len(table)][1] if table else "cheap"}
