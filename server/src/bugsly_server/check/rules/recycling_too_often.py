"""BG602: Gunicorn recycles workers so often, or all at once, that requests suffer."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from bugsly_server.check.rule import CheckedCode, CheckRule, Offence, Rewrite
from bugsly_server.check.rules.no_recycling import is_gunicorn_configuration
from bugsly_server.check.source_module import SourceModule

MIN_REQUESTS = 500
"""Requests of a worker's life below which its start costs more than a leak would."""


def find(code: CheckedCode) -> Iterator[Offence]:
    """Yield lives that are too short, and those that all end at once."""
    for module in code.project.modules:
        if not is_gunicorn_configuration(module):
            continue
        limit, node = _number(module, "max_requests")
        jitter, _ = _number(module, "max_requests_jitter")
        if node is None or limit is None or limit == 0:
            continue
        if limit < MIN_REQUESTS:
            yield Offence(
                module,
                node,
                f"a worker ends after {limit} requests, so most of its time goes into starting: raise"
                " `max_requests` to some thousands and fix the leak that made it necessary",
            )
        elif not jitter and "max_requests_jitter" not in module.bound:
            yield Offence(
                module,
                node,
                "all workers reach `max_requests` at about the same time and restart together: set"
                f" `max_requests_jitter = {limit // 10}`",
                Rewrite(added_lines=(f"max_requests_jitter = {limit // 10}",)),
            )


def _number(module: SourceModule, name: str) -> tuple[int | None, ast.expr | None]:
    for value in module.bound.get(name, ()):
        if isinstance(value, ast.Constant) and isinstance(value.value, int):
            return value.value, value
    return None, None


RULE = CheckRule(
    code="BG602",
    name="recycling-too-often",
    summary="Gunicorn recycles workers too often, or all of them at once.",
    why="A worker that restarts answers nothing meanwhile. Without jitter all of them restart within seconds, and"
    " with a few hundred requests per life the caches are always cold. The leak that this hides stays.",
    bad="""bind = "0.0.0.0:8000"
workers = 4
max_requests = 50
""",
    good="""bind = "0.0.0.0:8000"
workers = 4
max_requests = 10000
max_requests_jitter = 1000
""",
    find=find,
    file_name="gunicorn.conf.py",
)
