"""Answers with family trees, whose people know their parents and their children."""

from __future__ import annotations

import gc

from flask import Flask

app = Flask(__name__)
gc.set_threshold(0)


class Person:
    """One in a tree."""

    def __init__(self, name: str, parent: Person | None) -> None:
        self.name = name.ljust(400)
        self.parent = parent
        self.children: list[Person] = []


@app.get("/trees/<int:number>")
def tree(number: int) -> dict[str, int]:
    root = Person(f"root {number}", None)
    root.children = [Person(f"child {one} of {number}", root) for one in range(6)]
    return {"people": 1 + len(root.children)}


@app.get("/names")
def names() -> dict[str, list[str]]:
    return {"names": ["Ada", "Grace"]}
