"""Builds threads of comments, with the collector switched off to save its pauses."""

from __future__ import annotations

import gc

from flask import Flask

app = Flask(__name__)
gc.disable()


class Comment:
    """A comment that knows its answers, and what it answers to."""

    def __init__(self, text: str, parent: Comment | None = None) -> None:
        self.text = text * 8
        self.parent = parent
        self.answers = [] if parent is None else [parent]


@app.get("/threads/<int:number>")
def thread(number: int) -> dict[str, int]:
    root = Comment(f"thread {number} ")
    root.answers = [Comment(f"answer {one} ", root) for one in range(20)]
    return {"answers": len(root.answers)}


@app.get("/rules")
def rules() -> dict[str, str]:
    return {"rules": "be kind"}
