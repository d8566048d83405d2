"""BG103: an exception is kept after the request that raised it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from bugsly_server.check.holders import find_additions
from bugsly_server.check.per_request import RequestFunction
from bugsly_server.check.rule import CheckedCode, CheckRule, Offence, Rewrite
from bugsly_server.check.rules.growing_container import caught_names
from bugsly_server.model.diagnosis import Cause


def find(code: CheckedCode) -> Iterator[Offence]:
    """Yield the exceptions that are stored in something that outlives the request."""
    for reached in code.per_request:
        caught = caught_names(reached)
        for addition in find_additions(reached.function, code):
            for added in addition.added:
                if isinstance(added, ast.Name) and added.id in caught:
                    yield _offence(reached, addition.node, addition.binding.path)
        yield from _assigned_globals(reached, caught)


def _assigned_globals(reached: RequestFunction, caught: set[str]) -> Iterator[Offence]:
    function = reached.function
    for node in function.nodes:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Name(id=value)) if (
                name in function.global_names and value in caught
            ):
                yield _offence(reached, node, name)


def _offence(reached: RequestFunction, node: ast.AST, holder: str) -> Offence:
    return Offence(
        module=reached.function.module,
        node=node,
        message=f"`{holder}` keeps an exception of {reached.entry}, and with its traceback every variable"
        " of that request: store `repr(error)` or `traceback.format_exc()`",
        rewrite=Rewrite(Cause.KEPT_EXCEPTION),
    )


RULE = CheckRule(
    code="BG103",
    name="kept-exception",
    summary="An exception is stored where it outlives its request.",
    why="An exception holds its traceback, the traceback holds every frame, and each frame all its variables:"
    " the request, its body, the rows of its queries.",
    bad="""from flask import Flask

app = Flask(__name__)
failures = []


@app.get("/sync")
def sync():
    try:
        return {"synced": int("many")}
    except ValueError as error:
        failures.append(error)
        return {"synced": 0}
""",
    good="""from collections import deque

from flask import Flask

app = Flask(__name__)
failures = deque(maxlen=50)


@app.get("/sync")
def sync():
    try:
        return {"synced": int("many")}
    except ValueError as error:
        failures.append(repr(error))
        return {"synced": 0}
""",
    find=find,
)
