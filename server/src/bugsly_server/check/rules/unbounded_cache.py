"""BG102: a cache without a size is asked with the request's own values."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from bugsly_server.check.holders import MAX_KEY_DEPTH
from bugsly_server.check.project import SourceProject
from bugsly_server.check.request_data import varies_by_request
from bugsly_server.check.rule import CheckedCode, CheckRule, Offence, Rewrite
from bugsly_server.check.source_module import SourceFunction
from bugsly_server.model.diagnosis import Cause

CACHE = re.compile(r"^functools\.(cache|lru_cache)$")
MODEL_BASES = re.compile(r"(^|\.)(Base|Model|\w*BaseModel|Document)$")
ENUM_BASES = re.compile(r"(^|\.)\w*(Enum|Flag|Singleton)$")


def find(code: CheckedCode) -> Iterator[Offence]:
    """Yield the unbounded caches of methods, and of functions that requests call."""
    asked, made = _asked_by_requests(code), _made_by_requests(code)
    for module in code.project.modules:
        for function in module.functions:
            decorator = _unbounded_cache(function, code.project)
            if decorator is None:
                continue
            is_method = function.owner is not None and "self" in function.parameters
            if is_method and _has_many_instances(function, code, made):
                yield _offence(function, decorator, "it keeps every instance, and every argument")
            elif not is_method and id(function) in asked:
                yield _offence(
                    function, decorator, f"it keeps every answer to {asked[id(function)]}"
                )


def _offence(function: SourceFunction, decorator: ast.expr, effect: str) -> Offence:
    return Offence(
        module=function.module,
        node=decorator,
        message=f"the cache of `{function.name}` has no bound, so {effect}:"
        " write `@lru_cache(maxsize=1000)`",
        rewrite=Rewrite(Cause.UNBOUNDED_CACHE, function.qualified_name),
    )


def _unbounded_cache(function: SourceFunction, project: SourceProject) -> ast.expr | None:
    for decorator in function.node.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        found = project.resolve(called, function.module, None)
        if CACHE.match(found) and (found.endswith(".cache") or _has_no_size(decorator)):
            return decorator
    return None


def _has_no_size(decorator: ast.expr) -> bool:
    """Return whether an `lru_cache` is given None as its size: the default is 128."""
    if not isinstance(decorator, ast.Call):
        return False
    sizes = [*decorator.args[:1], *(k.value for k in decorator.keywords if k.arg == "maxsize")]
    return any(isinstance(one, ast.Constant) and one.value is None for one in sizes)


def _has_many_instances(function: SourceFunction, code: CheckedCode, made: set[int]) -> bool:
    """Return whether requests make instances of the class of a method: also an ORM does."""
    owner = function.owner
    if owner is None or any(ENUM_BASES.search(ast.unparse(base)) for base in owner.node.bases):
        return False
    is_model = any(MODEL_BASES.search(ast.unparse(base)) for base in owner.node.bases)
    is_view = any(
        reached.depth == 0 and reached.function.owner is owner for reached in code.per_request
    )
    return is_model or is_view or id(owner) in made


def _made_by_requests(code: CheckedCode) -> set[int]:
    """Return the ids of the classes of which requests make instances."""
    made = set()
    for reached in code.per_request:
        function = reached.function
        for node in function.nodes:
            if isinstance(node, ast.Call):
                found = code.project.resolve(node.func, function.module, function)
                known = code.project.class_at(found)
                if known is not None:
                    made.add(id(known[1]))
    return made


def _asked_by_requests(code: CheckedCode) -> dict[int, str]:
    """Return the functions that are called with values of a request, each with that request."""
    asked: dict[int, str] = {}
    for reached in code.per_request:
        for node in reached.function.nodes if reached.depth <= MAX_KEY_DEPTH else ():
            if not isinstance(node, ast.Call):
                continue
            given = [*node.args, *(one.value for one in node.keywords)]
            if not any(varies_by_request(one, reached.function, code.project) for one in given):
                continue
            found = code.project.resolve(node.func, reached.function.module, reached.function)
            callee = code.project.function_at(found)
            if callee is not None:
                asked.setdefault(id(callee), reached.entry)
    return asked


RULE = CheckRule(
    code="BG102",
    name="unbounded-cache",
    summary="A cache without a size keeps the answer to every value that a request brings.",
    why="`functools.cache` and `lru_cache(maxsize=None)` keep every result for ever. Keyed by what users send, they"
    " grow with every new value; on a method they also keep every instance alive.",
    bad="""from functools import cache

from flask import Flask

app = Flask(__name__)


@cache
def slug_of(title):
    return title.lower().replace(" ", "-")


@app.get("/posts/<title>")
def post(title):
    return {"slug": slug_of(title)}
""",
    good="""from functools import lru_cache

from flask import Flask

app = Flask(__name__)


@lru_cache(maxsize=1000)
def slug_of(title):
    return title.lower().replace(" ", "-")


@app.get("/posts/<title>")
def post(title):
    return {"slug": slug_of(title)}
""",
    find=find,
)
