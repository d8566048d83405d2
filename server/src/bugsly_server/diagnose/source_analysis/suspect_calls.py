"""Finds the call in a view that creates or adds what a cause is about."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from bugsly.protocol.evidence import ModuleSource
from bugsly_server.diagnose.source_analysis.holder_source import SourceLine
from bugsly_server.diagnose.source_analysis.syntax_trees import FunctionNode, parse_source
from bugsly_server.model.diagnosis import Cause

SUSPECT_CALL_PATTERNS: dict[Cause, tuple[str, ...]] = {
    Cause.THREADS: (r"^(Thread|Timer|Process|\w*Executor|\w*Thread)$", r"^(start|submit|spawn)$"),
    Cause.HANDLERS_PER_REQUEST: (
        r"^(addHandler|connect|connect_via|listen|listens_for|add_\w*(listener|handler|callback))$",
        r"^(subscribe|register\w*|addFilter|on|hook)$",
    ),
    Cause.METRIC_LABELS: (r"^labels$", r"^(add|record|observe|inc|set)$"),
    Cause.MADE_PER_REQUEST: (
        r"^(create_engine|make_class|create_model|type|TypeAdapter|boto3|client|resource)$",
        r"^[A-Z]\w*(Engine|Client|Session|Pool|Executor|Connection|Processor|Provider|Adapter)$",
        r"^[A-Z](?=[A-Za-z]*[a-z])\w*$",
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
"""Patterns of the names of calls, the more specific ones first."""
OPENING_CALL_PATTERNS = (
    r"^(memfd_create|open|openat|dup|mkstemp|pipe|Popen|\w*TemporaryFile|\w*Database|\w*Connection)$",
    r"^(connect|create_connection|socket|socketpair|urlopen|(?=\w*open)\w+)$",
)
"""Names of calls that open files and sockets."""
FRAMEWORK_CALLS = frozenset({"Response", "Flask", "Blueprint"})


def find_suspect_call(
    cause: Cause, endpoint: str, sources: Iterable[ModuleSource], first_patterns: Sequence[str] = ()
) -> SourceLine | None:
    """Return the call in the view of *endpoint*, or in its callees, that *cause* is about.

    The *first_patterns* of names take precedence.
    """
    patterns = (*first_patterns, *SUSPECT_CALL_PATTERNS.get(cause, ()))
    return _find_in_view(
        endpoint, sources, lambda functions: _find_line(cause, patterns, functions)
    )


def find_constructor_call(
    names: Collection[str], endpoint: str, sources: Iterable[ModuleSource]
) -> SourceLine | None:
    """Return the first call of one of *names*, in order, in the view of *endpoint*."""

    def constructor_line(functions: list[FunctionNode]) -> int | None:
        calls = [call for one in functions for call in _calls_in(one)]
        lines = (line for name in names for called, line in calls if called == name)
        return next(lines, None)

    return _find_in_view(endpoint, sources, constructor_line)


def _find_in_view(
    endpoint: str, sources: Iterable[ModuleSource], find: Callable[[list[FunctionNode]], int | None]
) -> SourceLine | None:
    for source in sources:
        first = source.views.get(endpoint, 0)
        tree = parse_source(source.text) if first and source.text else None
        view = None if tree is None else _function_at(tree, first)
        if tree is None or view is None:
            continue
        line = find(_reachable_functions(tree, view))
        return None if line is None else SourceLine(source, line)
    return None


def _function_at(tree: ast.Module, line: int) -> FunctionNode | None:
    """Return the function that begins at *line*, with its decorators."""
    for node in ast.walk(tree):
        if isinstance(node, FunctionNode):
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            if first <= line <= node.lineno:
                return node
    return None


def _reachable_functions(tree: ast.Module, view: FunctionNode) -> list[FunctionNode]:
    """Return *view* and the functions of its module that it calls, directly or through one."""
    by_name = {node.name: node for node in ast.walk(tree) if isinstance(node, FunctionNode)}
    reachable, frontier = [view], [view]
    for _ in range(2):
        names = [name for one in frontier for name, _ in _calls_in(one)]
        frontier = [
            by_name[name] for name in names if name in by_name and by_name[name] not in reachable
        ]
        reachable += frontier
    return reachable


def _find_line(cause: Cause, patterns: Sequence[str], functions: list[FunctionNode]) -> int | None:
    for pattern in patterns:
        for function in functions:
            lines = [
                line
                for name, line in _calls_in(function)
                if re.search(pattern, name)
                and (name not in FRAMEWORK_CALLS or "Response" in pattern)
            ]
            if lines:
                return lines[0]
    if cause is Cause.BUFFERED_RESPONSE:
        returns = [node.lineno for node in ast.walk(functions[0]) if isinstance(node, ast.Return)]
        return max(returns, default=None)
    return None


def _calls_in(function: FunctionNode) -> Iterator[tuple[str, int]]:
    """Yield the last name and the line of each call in a function's body, in source order."""
    calls = [node for one in function.body for node in ast.walk(one) if isinstance(node, ast.Call)]
    for node in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name:
            yield str(name), node.lineno
