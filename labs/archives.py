"""Lists orders, and now and then exports them; every export is remembered."""

from __future__ import annotations

from flask import Flask

app = Flask(__name__)
exported: list[list[str]] = []


@app.get("/orders/<int:page>")
def orders(page: int) -> dict[str, list[int]]:
    return {"orders": list(range(page, page + 20))}


@app.get("/exports")
def export() -> dict[str, int]:
    rows = [f"order {number} of export {len(exported)}".ljust(100) for number in range(150)]
    exported.append(rows)
    return {"rows": len(rows)}
