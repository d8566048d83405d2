"""BG101: a container outlives requests, and each request adds to it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from bugsly_server.check.holders import (
    HolderAddition,
    find_additions,
    is_emptied,
    is_imported_elsewhere,
)
from bugsly_server.check.per_request import RequestFunction
from bugsly_server.check.project import SourceProject
from bugsly_server.check.rule import CheckedCode, CheckRule, Offence, Rewrite
from bugsly_server.model.diagnosis import Cause


def find(code: CheckedCode) -> Iterator[Offence]:
    """Yield the additions to containers that nothing bounds."""
    emptied: dict[str, bool] = {}
    for reached in code.per_request:
        caught = caught_names(reached)
        for addition in find_additions(reached.function, code):
            path = addition.binding.dotted
            if any(isinstance(one, ast.Name) and one.id in caught for one in addition.added):
                continue
            if path not in emptied:
                emptied[path] = is_emptied(addition.binding, code.project)
            if not emptied[path]:
                yield _offence(addition, reached, code.project)


def caught_names(reached: RequestFunction) -> set[str]:
    """Return the names of the exceptions that a function catches."""
    nodes = reached.function.nodes
    return {one.name for one in nodes if isinstance(one, ast.ExceptHandler) and one.name}


def _offence(addition: HolderAddition, reached: RequestFunction, project: SourceProject) -> Offence:
    binding = addition.binding
    is_cache = any(
        isinstance(one, ast.Compare) and isinstance(one.ops[0], ast.In | ast.NotIn)
        for one in reached.function.nodes
    ) and isinstance(addition.node, ast.Assign)
    advice = (
        "use `functools.lru_cache(maxsize=1000)` or `cachetools.TTLCache`"
        if is_cache
        else "give it a bound, such as `collections.deque(maxlen=1000)`, or write to a database"
    )
    is_own = binding.module is reached.function.module
    cause = Cause.UNBOUNDED_CACHE if is_cache else Cause.GROWING_CONTAINER
    is_safe = is_own and not is_imported_elsewhere(binding, project)
    return Offence(
        module=reached.function.module,
        node=addition.node,
        message=f"`{binding.path}` gains entries with {reached.entry}, and nothing takes any out: {advice}",
        rewrite=Rewrite(cause, binding.path) if is_safe else None,
    )


RULE = CheckRule(
    code="BG101",
    name="growing-container",
    summary="A container at module level gains entries with every request, and loses none.",
    why="A Gunicorn worker lives for days. What a module holds lives as long, so a list, dict or set that"
    " each request adds to grows until the machine has no memory left. Each worker has its own copy, so"
    " it does not even hold the truth.",
    bad="""from flask import Flask, request

app = Flask(__name__)
request_log = []


@app.get("/api/data")
def data():
    request_log.append(dict(request.args))
    return {"ok": True}
""",
    good="""from collections import deque

from flask import Flask, request

app = Flask(__name__)
request_log = deque(maxlen=1000)


@app.get("/api/data")
def data():
    request_log.append(dict(request.args))
    return {"ok": True}
""",
    find=find,
)
