"""Resizes pictures in a pool of threads of its own, made for each of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from flask import Flask

app = Flask(__name__)
pools: list[ThreadPoolExecutor] = []


def shrink(number: int) -> int:
    """Return the size of a small picture."""
    return number % 128


@app.get("/thumbnails/<int:number>")
def thumbnail(number: int) -> dict[str, int]:
    pool = ThreadPoolExecutor(max_workers=2)
    pools.append(pool)
    return {"width": pool.submit(shrink, number).result()}


@app.get("/formats")
def formats() -> dict[str, list[str]]:
    return {"formats": ["png", "webp"]}
