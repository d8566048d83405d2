"""Finds all functions that run for each request: what frameworks call, and what that calls."""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from bugsly_server.check.entry_points import find_entry_points
from bugsly_server.check.once import happens_once
from bugsly_server.check.project import SourceProject
from bugsly_server.check.request_data import varies_by_request
from bugsly_server.check.source_module import SourceFunction

MAX_CALL_DEPTH = 6
"""Calls from an entry point: what is further down is rarely the application's own subject."""


@dataclass(frozen=True, eq=False, slots=True)
class RequestFunction:
    """A function that runs for each request, and how it is reached."""

    function: SourceFunction
    entry: str
    """The request, task or hook that reaches it first."""
    depth: int
    """Calls between the entry point and it."""
    calls: list[FunctionCall] = field(default_factory=list)


@dataclass(frozen=True, eq=False, slots=True)
class FunctionCall:
    """A call of a function of the project."""

    node: ast.Call
    callee: SourceFunction


def find_request_functions(project: SourceProject) -> dict[int, RequestFunction]:
    """Return the functions that run for each request, by the id of each.

    Their `varying` parameters are set: those that may differ from request to request.
    """
    found: dict[int, RequestFunction] = {}
    waiting = deque(
        RequestFunction(one.function, one.description, 0) for one in find_entry_points(project)
    )
    while waiting:
        reached = waiting.popleft()
        if id(reached.function) in found:
            continue
        found[id(reached.function)] = reached
        if reached.depth == 0:
            reached.function.varying |= reached.function.parameters
        if reached.depth < MAX_CALL_DEPTH:
            for call in _calls(reached.function, project):
                reached.calls.append(call)
                waiting.append(RequestFunction(call.callee, reached.entry, reached.depth + 1))
    _spread_variation(found, project)
    return found


def _calls(function: SourceFunction, project: SourceProject) -> Iterator[FunctionCall]:
    for node in function.nodes:
        if not isinstance(node, ast.Call):
            continue
        match node.func:
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name) if function.owner:
                callee = project.method_of(function.owner, name, function.module)
            case called:
                callee = project.function_at(project.resolve(called, function.module, function))
        if callee is not None and not happens_once(node, function, project):
            yield FunctionCall(node, callee)


def _spread_variation(found: dict[int, RequestFunction], project: SourceProject) -> None:
    """Set which parameters vary, until nothing changes: a caller may learn it later."""
    for _ in range(MAX_CALL_DEPTH):
        before = sum(len(one.function.varying) for one in found.values())
        for reached in found.values():
            for call in reached.calls:
                call.callee.varying |= _varying_parameters(call, reached.function, project)
        if sum(len(one.function.varying) for one in found.values()) == before:
            return


def _varying_parameters(
    call: FunctionCall, caller: SourceFunction, project: SourceProject
) -> frozenset[str]:
    arguments = call.callee.node.args
    names = [one.arg for one in (*arguments.posonlyargs, *arguments.args)]
    if names and names[0] in {"self", "cls"}:
        names = names[1:]
    given = dict(zip(names, call.node.args, strict=False))
    given |= {one.arg: one.value for one in call.node.keywords if one.arg}
    is_open = any(isinstance(one, ast.Starred) for one in call.node.args) or any(
        one.arg is None for one in call.node.keywords
    )
    if is_open:
        return call.callee.parameters
    return frozenset(
        name for name, value in given.items() if varies_by_request(value, caller, project)
    )
