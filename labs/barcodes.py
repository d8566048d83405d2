"""Draws barcodes in memory of the C library, and forgets to give it back."""

from __future__ import annotations

import ctypes

from flask import Flask

app = Flask(__name__)
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
PIXELS = 6_000


@app.get("/barcodes/<int:number>")
def barcode(number: int) -> dict[str, int]:
    canvas = libc.malloc(PIXELS)
    ctypes.memset(canvas, number % 256, PIXELS)
    return {"width": PIXELS}


@app.get("/symbologies")
def symbologies() -> dict[str, list[str]]:
    return {"symbologies": ["ean-13", "code-128"]}
