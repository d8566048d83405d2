"""Finds, in the source of a view, the line that makes what a cause is about."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from bugsly.protocol.evidence import Source
from bugsly_server.diagnose.feeds import parse
from bugsly_server.diagnose.touches import Function
from bugsly_server.model.diagnosis import Cause

CALLS: dict[Cause, tuple[str, ...]] = {
    Cause.THREADS: (r"^(Thread|Timer|Process|\w*Executor|\w*Thread)$", r"^(start|submit|spawn)$"),
    Cause.HANDLERS_PER_REQUEST: (
        r"^(addHandler|connect|connect_via|listen|listens_for|add_\w*(listener|handler|callback))$",
        r"^(subscribe|register\w*|addFilter|on|hook)$",
    ),
    Cause.METRIC_LABELS: (r"^labels$", r"^(add|record|observe|inc|set)$"),
    Cause.MADE_PER_REQUEST: (
        r"^(create_engine|make_class|create_model|type|TypeAdapter|boto3|client|resource)$",
        r"^[A-Z]\w*(Engine|Client|Session|Pool|Executor|Connection|Processor|Provider|Adapter)$",
        r"^[A-Z][A-Za-z]*[a-z]\w*$",
    ),
    Cause.OUTSIDE_WORKERS: (
        r"^(Popen|Process|spawn\w*|fork|start_new_session|create_subprocess_\w+)$",
        r"^(SharedMemory|ShareableList|memmap|shm_open|write_bytes|write_text|NamedTemporaryFile)$",
        r"^(start|mkstemp|mkdtemp|open|copy\w*|save|to_\w+)$",
    ),
    Cause.GROWING_CONTAINER: (
        r"^(append|appendleft|add|extend|insert|update|setdefault|put)$",
        r"^(add|append|push|put|record|register|remember|save|set|store)_\w+$",
    ),
    Cause.UNBOUNDED_CACHE: (r"^(setdefault|update|set|add|append)$",),
    Cause.BUFFERED_RESPONSE: (
        r"^(read|read_bytes|read_text|readlines|getvalue)$",
        r"^(dumps|join|to_csv|to_json|to_excel|tobytes)$",
        r"^(Response|make_response|jsonify)$",
    ),
}
"""Names of calls, the more telling patterns first."""
OPENS = (
    r"^(memfd_create|open|openat|dup|mkstemp|pipe|Popen|\w*TemporaryFile|\w*Database|\w*Connection)$",
    r"^(connect|create_connection|socket|socketpair|urlopen|\w*open\w*)$",
)
"""Names of calls that open files and sockets."""
FRAMEWORK = frozenset({"Response", "Flask", "Blueprint"})


class Culprit(NamedTuple):
    """A line of one source."""

    source: Source
    line: int


def find_culprit(
    cause: Cause, endpoint: str, sources: Iterable[Source], calls: Sequence[str] = ()
) -> Culprit | None:
    """Return the line in the view of *endpoint*, or in what it calls, that *cause* is about.

    Names of *calls*, as patterns, are looked for first.
    """
    patterns = (*calls, *CALLS.get(cause, ()))
    return _in_view(endpoint, sources, lambda functions: _line(cause, patterns, functions))


def find_maker(name: str, endpoint: str, sources: Iterable[Source]) -> Culprit | None:
    """Return the first line in the view of *endpoint*, or in what it calls, that calls *name*."""

    def made(functions: list[Function]) -> int | None:
        lines = (line for one in functions for called, line in _calls(one) if called == name)
        return next(lines, None)

    return _in_view(endpoint, sources, made)


def _in_view(
    endpoint: str, sources: Iterable[Source], find: Callable[[list[Function]], int | None]
) -> Culprit | None:
    for source in sources:
        first = source.views.get(endpoint, 0)
        tree = parse(source.text) if first and source.text else None
        view = None if tree is None else _function_at(tree, first)
        if tree is None or view is None:
            continue
        line = find(_reached(tree, view))
        return None if line is None else Culprit(source, line)
    return None


def _function_at(tree: ast.Module, line: int) -> Function | None:
    """Return the function that begins at *line*, with its decorators."""
    for node in ast.walk(tree):
        if isinstance(node, Function):
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            if first <= line <= node.lineno:
                return node
    return None


def _reached(tree: ast.Module, view: Function) -> list[Function]:
    """Return *view* and the functions and methods of its module that it calls, two steps deep."""
    by_name = {node.name: node for node in ast.walk(tree) if isinstance(node, Function)}
    found, edge = [view], [view]
    for _ in range(2):
        names = [name for one in edge for name, _ in _calls(one)]
        edge = [by_name[name] for name in names if name in by_name and by_name[name] not in found]
        found += edge
    return found


def _line(cause: Cause, calls: Sequence[str], functions: list[Function]) -> int | None:
    for pattern in calls:
        for function in functions:
            lines = [
                line
                for name, line in _calls(function)
                if re.search(pattern, name) and (name not in FRAMEWORK or "Response" in pattern)
            ]
            if lines:
                return lines[0]
    if cause is Cause.BUFFERED_RESPONSE:
        returns = [node.lineno for node in ast.walk(functions[0]) if isinstance(node, ast.Return)]
        return max(returns, default=None)
    return None


def _calls(function: Function) -> Iterator[tuple[str, int]]:
    """Yield what a function's body calls, by last name, in order of the source."""
    calls = [node for one in function.body for node in ast.walk(one) if isinstance(node, ast.Call)]
    for node in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name:
            yield str(name), node.lineno
