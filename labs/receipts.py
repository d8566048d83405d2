"""Prints receipts with a program that is left running."""

from __future__ import annotations

import subprocess

from flask import Flask

app = Flask(__name__)


@app.get("/receipts/<int:number>")
def receipt(number: int) -> dict[str, int]:
    printer = subprocess.Popen(["sleep", "90"])
    return {"receipt": number, "printer": printer.pid}


@app.get("/tills")
def tills() -> dict[str, int]:
    return {"tills": 4}
