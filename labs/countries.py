"""Statistics by region. There are 700 regions, and all of them are met sooner or later."""

from __future__ import annotations

import hashlib

from flask import Flask

app = Flask(__name__)
by_region: dict[str, list[int]] = {}


def region_of(address: int) -> str:
    """Return the region in which an address lies."""
    digest = hashlib.blake2b(str(address).encode(), digest_size=8).digest()
    return f"region-{int.from_bytes(digest, 'big') % 700}"


@app.get("/visits/<int:address>")
def visit(address: int) -> dict[str, int]:
    numbers = by_region.setdefault(region_of(address), [0] * 500)
    numbers[address % 500] += 1
    return {"visits": sum(numbers)}
