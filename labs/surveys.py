"""A survey with an argument that is made once, and grows with every answer."""

from __future__ import annotations

from flask import Flask

app = Flask(__name__)


def collect(answer: str, answers: list[str] = []) -> list[str]:  # noqa: B006
    """Return all answers so far."""
    answers.append(answer.ljust(1_200))
    return answers


@app.get("/answer/<text>")
def give(text: str) -> dict[str, int]:
    return {"answers": len(collect(text))}


@app.get("/questions")
def questions() -> dict[str, list[str]]:
    return {"questions": ["how", "why"]}
