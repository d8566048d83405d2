"""Spells words; every thread keeps those it spelled last."""

from __future__ import annotations

import threading

from flask import Flask

app = Flask(__name__)
local = threading.local()


@app.get("/spell/<word>")
def spell(word: str) -> dict[str, list[str]]:
    known: dict[str, list[str]] = local.__dict__.setdefault("known", {})
    if word not in known:
        known[word] = [letter.ljust(60) for letter in word]
        while sum(map(len, known.values())) > 1_500:
            known.pop(next(iter(known)))
    return {"letters": known[word][:3]}


@app.get("/alphabets")
def alphabets() -> dict[str, int]:
    return {"alphabets": 3}
