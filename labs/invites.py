"""Converts each invitation with a program that is waited for, and a file that is removed."""

from __future__ import annotations

import subprocess
import tempfile

from flask import Flask

app = Flask(__name__)


@app.get("/invites/<int:number>")
def invite(number: int) -> dict[str, int]:
    with tempfile.NamedTemporaryFile(dir="/dev/shm", prefix=f"invite-{number}-") as sheet:
        done = subprocess.run(["cat", sheet.name], check=True, capture_output=True)
    return {"invite": number, "bytes": len(done.stdout)}


@app.get("/guests")
def guests() -> dict[str, int]:
    return {"guests": 30}
