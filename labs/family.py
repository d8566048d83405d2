"""Family trees: people who know each other, left to the collector."""

from __future__ import annotations

from flask import Flask

app = Flask(__name__)


class Person:
    """Somebody with parents and children."""

    def __init__(self, name: str, parent: Person | None = None) -> None:
        self.name = name * 12
        self.parent = parent
        self.children: list[Person] = []
        if parent is not None:
            parent.children.append(self)


@app.get("/trees/<int:number>")
def tree(number: int) -> dict[str, int]:
    root = Person(f"root {number}")
    for index in range(25):
        Person(f"child {index}", Person(f"parent {index}", root))
    return {"children": len(root.children)}
