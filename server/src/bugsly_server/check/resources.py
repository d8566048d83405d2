"""Follows a connection, file or client in the function that opens it, to where it is closed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from bugsly_server.check.project import SourceProject
from bugsly_server.check.source_module import SourceFunction

CLOSING_METHODS = frozenset(
    {"close", "aclose", "quit", "shutdown", "terminate", "release", "disconnect", "detach"}
)
CLOSING_CALLS = re.compile(
    r"(^|\.)(close|fdopen|closing|aclosing|enter_context|enter_async_context|push|callback|putconn|release)$"
)
READERS = re.compile(
    r"^(json|yaml|toml|tomllib|pickle|marshal|plistlib)\.(safe_)?load$|^csv\.(reader|DictReader)$"
    r"|^os\.(read|write|fstat|lseek|ftruncate|sendfile)$|^(list|tuple|sorted|set|enumerate|sum|len)$"
)
"""Calls that read what they are given, and do not close it."""

ONLY_USING = (ast.Attribute, ast.Subscript, ast.Compare, ast.If, ast.While)
"""Nodes around a variable that leave what it holds as it is."""
HANDING_OVER = (
    *(ast.Return, ast.Yield, ast.YieldFrom, ast.Assign, ast.AnnAssign, ast.Await),
    *(ast.keyword, ast.Dict, ast.List, ast.Tuple),
)
"""Nodes around a variable after which something else has what it holds."""


class Closing(Enum):
    """What becomes of a resource."""

    CLOSED = "closed"
    HANDED_OVER = "handed over"
    """Returned, yielded, stored or passed on: who has it then closes it."""
    ON_SUCCESS_ONLY = "closed where nothing raises"
    NEVER = "never closed"
    IN_REQUEST_CONTEXT = "stored in flask.g, and no teardown closes it"


class OpenedResource(NamedTuple):
    """A call that opens something, and what becomes of it."""

    call: ast.Call
    name: str | None
    """The variable that it is assigned to."""
    closing: Closing


def follow(call: ast.Call, function: SourceFunction, project: SourceProject) -> OpenedResource:
    """Return what becomes in *function* of what *call* opens."""
    inner: ast.AST = call
    for around in function.ancestors(call):
        if isinstance(around, ast.Await | ast.IfExp | ast.BoolOp):
            inner = around
            continue
        name = _name_given(around)
        if name is not None:
            return OpenedResource(call, name, _follow_name(name, function, project))
        return OpenedResource(call, None, _use_at_once(around, inner, function, project))
    return OpenedResource(call, None, Closing.NEVER)


def _name_given(node: ast.AST) -> str | None:
    match node:
        case (
            ast.Assign(targets=[ast.Name(id=name)])
            | ast.AnnAssign(target=ast.Name(id=name))
            | ast.NamedExpr(target=ast.Name(id=name))
        ):
            return name
        case _:
            return None


def _use_at_once(
    around: ast.AST, inner: ast.AST, function: SourceFunction, project: SourceProject
) -> Closing:
    """Return what becomes of what *inner*, within *around*, opens and gives no name to."""
    match around:
        case ast.withitem() | ast.Return() | ast.Yield() | ast.YieldFrom() | ast.Lambda():
            return Closing.CLOSED
        case ast.Attribute(attr=method):
            return Closing.CLOSED if method in CLOSING_METHODS else Closing.NEVER
        case ast.Call(func=called) if called is not inner:
            return _passed_to(called, function, project)
        case ast.Assign(targets=[ast.Attribute(value=owner, attr=attribute)]):
            return _follow_attribute(owner, attribute, function, project)
        case ast.Expr():
            return Closing.NEVER
        case _:
            return Closing.NEVER if _goes_through(around, inner) else Closing.HANDED_OVER


def _goes_through(around: ast.AST, inner: ast.AST) -> bool:
    """Return whether *around* is a loop over *inner*."""
    return isinstance(around, ast.For | ast.comprehension) and around.iter is inner


def _passed_to(called: ast.expr, function: SourceFunction, project: SourceProject) -> Closing:
    """Return what becomes of what is given to *called*."""
    if CLOSING_CALLS.search(ast.unparse(called)):
        return Closing.CLOSED
    reads = READERS.match(project.resolve(called, function.module, function))
    return Closing.NEVER if reads else Closing.HANDED_OVER


def _follow_name(name: str, function: SourceFunction, project: SourceProject) -> Closing:
    if name in function.global_names or _is_used_inside(name, function):
        return Closing.HANDED_OVER
    closed_on_success = False
    for node in function.nodes:
        if not (isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)):
            continue
        outcome = _use_of(node, function, project)
        if outcome in {Closing.CLOSED, Closing.HANDED_OVER}:
            return outcome
        closed_on_success |= outcome is Closing.ON_SUCCESS_ONLY
    return Closing.ON_SUCCESS_ONLY if closed_on_success else Closing.NEVER


def _use_of(node: ast.Name, function: SourceFunction, project: SourceProject) -> Closing:
    """Return what this one use of a variable means for what it holds."""
    inner: ast.AST = node
    for around in function.ancestors(node):
        outcome = _use_within(around, inner, function, project)
        if outcome is not None:
            return outcome
        inner = around
        if isinstance(around, ast.stmt):
            break
    return Closing.NEVER


def _use_within(
    around: ast.AST, inner: ast.AST, function: SourceFunction, project: SourceProject
) -> Closing | None:
    """Return what *around* means for what *inner* holds; None if what is around it decides."""
    match around:
        case ast.withitem(context_expr=expression) if expression is inner:
            return Closing.CLOSED
        case ast.Attribute(attr=method) if method in CLOSING_METHODS:
            is_final = _is_in_finally(around, function)
            return Closing.CLOSED if is_final else Closing.ON_SUCCESS_ONLY
        case ast.Call(func=called) if called is not inner:
            return _passed_to(called, function, project)
    if isinstance(around, ONLY_USING) or _goes_through(around, inner):
        return Closing.NEVER
    return Closing.HANDED_OVER if isinstance(around, HANDING_OVER) else None


def _is_in_finally(node: ast.AST, function: SourceFunction) -> bool:
    inner: ast.AST = node
    for around in function.ancestors(node):
        if isinstance(around, ast.Try) and inner in around.finalbody:
            return True
        inner = around
    return False


def _is_used_inside(name: str, function: SourceFunction) -> bool:
    """Return whether a function within *function* uses *name*: it may close it later."""
    return any(
        isinstance(node, ast.Name) and node.id == name
        for inner in function.inner.values()
        for node in inner.nodes
    )


def _follow_attribute(
    owner: ast.expr, attribute: str, function: SourceFunction, project: SourceProject
) -> Closing:
    """Return what becomes of what is stored in `owner.attribute`."""
    if project.resolve(owner, function.module, function) != "flask.g":
        return Closing.HANDED_OVER
    return Closing.CLOSED if _has_teardown(attribute, project) else Closing.IN_REQUEST_CONTEXT


def _has_teardown(attribute: str, project: SourceProject) -> bool:
    return any(
        f"teardown_{kind}" in module.text and attribute in _attributes_of_g(module.text)
        for module in project.modules
        for kind in ("appcontext", "request")
    )


def _attributes_of_g(text: str) -> set[str]:
    """Return the names that a source reads from `flask.g` in any of the usual ways."""
    patterns = (r"\bg\.(\w+)", r"\bg\.(?:pop|get)\(\s*['\"](\w+)", r"getattr\(g,\s*['\"](\w+)")
    return {name for pattern in patterns for name in re.findall(pattern, text)}


def opened_calls(
    pattern: re.Pattern[str], function: SourceFunction, project: SourceProject
) -> Iterator[ast.Call]:
    """Yield the calls in *function* whose resolved name matches *pattern*."""
    for node in function.nodes:
        if isinstance(node, ast.Call):
            found = project.resolve(node.func, function.module, function)
            if pattern.search(found or f"?{ast.unparse(node.func)}"):
                yield node
