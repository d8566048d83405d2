"""Coupons, the used ones in a set that only the failing path fills."""

from __future__ import annotations

from typing import Any

from flask import Flask

app = Flask(__name__)
VALID = {f"WELCOME{number}" for number in range(50)}


def make_register() -> Any:
    """Return a function that remembers what it was told."""
    refused: set[str] = set()

    def register(code: str) -> int:
        refused.add(f"{code}/{len(refused)}".ljust(1_500))
        return len(refused)

    return register


register = make_register()


@app.get("/coupons/<code>")
def coupon(code: str) -> tuple[dict[str, Any], int]:
    if code in VALID:
        return {"percent": 10}, 200
    return {"refused": register(code)}, 404


@app.get("/campaigns")
def campaigns() -> dict[str, int]:
    return {"campaigns": 2}


@app.get("/banners/<int:number>")
def banner(number: int) -> dict[str, int]:
    return {"banner": number}
