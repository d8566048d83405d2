"""Parses the few lines of source that a frame shows, and writes diffs of them."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from bugsly_server.explain.fixes.source_edits import indent_of
from bugsly_server.model.event import StackFrame

MAX_STATEMENT_LINES = 6
"""Lines that a statement may extend over, before and after."""
MAX_PARSED_CHARACTERS = 1_000
"""Longer lines are not parsed: they were not written by hand."""
DIFF_CONTEXT_LINES = 2
"""Lines of context in a diff."""


class Assignment(NamedTuple):
    """Where a name gets its value."""

    line: int
    value: ast.expr | None
    """None for an argument of the function."""


def statement_of(frame: StackFrame) -> ast.stmt | None:
    """Return the statement at the line of *frame*, None if the lines shown are not enough."""
    lines = (*frame.before, frame.code, *frame.after)
    line_index = len(frame.before)
    for first in range(line_index, max(line_index - MAX_STATEMENT_LINES, -1), -1):
        statement = _first_statement(
            lines[first : line_index + MAX_STATEMENT_LINES], min_lines=line_index + 1 - first
        )
        if statement is not None:
            return statement
    return None


def find_assignment(frame: StackFrame, name: str) -> Assignment | None:
    """Return the statement above that gave *name* its value, None if it may be one of several."""
    if any(_may_set(line, name) for line in frame.after):
        return None
    own = dict(_assigned_names(statement)) if (statement := statement_of(frame)) else {}
    if name in own and own[name] is None:
        return Assignment(frame.line, None)
    indent = _indent(frame.code)
    for distance, text in enumerate(reversed(frame.before), start=1):
        if not text.strip():
            continue
        statement = _first_statement(frame.before[len(frame.before) - distance :])
        assigned = {} if statement is None else dict(_assigned_names(statement))
        if name in assigned and _indent(text) <= indent:
            return Assignment(frame.line - distance, assigned[name])
        if _may_set(text, name) or _begins_function(text, frame.code):
            return None
        indent = min(indent, _indent(text))
    return None


def replacement_diff(frame: StackFrame, old: str, new: str) -> str:
    """Return the diff that replaces *old* by *new* in the line; empty unless it occurs once."""
    code, count = re.subn(rf"(?<![\w.]){re.escape(old)}(?!\w)", lambda _: new, frame.code)
    return _diff(frame, code) if count == 1 else ""


def _diff(frame: StackFrame, code: str) -> str:
    before, after = frame.before[-DIFF_CONTEXT_LINES:], frame.after[:DIFF_CONTEXT_LINES]
    name = " ".join(frame.file.split())
    start = frame.line - len(before)
    length = len(before) + 1 + len(after)
    return "\n".join(
        [
            f"--- a/{name}",
            f"+++ b/{name}",
            f"@@ -{start},{length} +{start},{length} @@",
            *(f" {line}" for line in before),
            f"-{frame.code}",
            f"+{code}",
            *(f" {line}" for line in after),
        ]
    )


def _parsed(lines: Sequence[str]) -> ast.stmt | None:
    if sum(len(line) for line in lines) > MAX_PARSED_CHARACTERS:
        return None
    text = textwrap.dedent("\n".join(lines)).strip()
    text = re.sub(r"\Aelif\b", "if", text)
    if text.endswith(":"):
        text += " pass"
    elif text.startswith("@"):
        text += "\ndef _(): pass"
    try:
        return next(iter(ast.parse(text).body), None)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _first_statement(lines: Sequence[str], min_lines: int = 1) -> ast.stmt | None:
    """Return the first statement of *lines*, parsed from at least *min_lines* of them."""
    for last in range(min_lines, min(MAX_STATEMENT_LINES + min_lines, len(lines) + 1)):
        if _is_whole(lines[:last]):
            return _parsed(lines[:last])
    return None


def _is_whole(lines: Sequence[str]) -> bool:
    """Return whether all brackets are closed; the parser is slower to tell."""
    without_strings = re.sub(r"'[^'\\]*'|\"[^\"\\]*\"", "", "\n".join(lines))
    is_closed = all(
        without_strings.count(begin) == without_strings.count(end)
        for begin, end in ("()", "[]", "{}")
    )
    return is_closed and not without_strings.endswith("\\")


def _assigned_names(node: ast.stmt) -> Iterator[tuple[str, ast.expr | None]]:
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            yield name, value
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            yield name, value
        case ast.FunctionDef(args=args) | ast.AsyncFunctionDef(args=args):
            for argument in (*args.posonlyargs, *args.args, *args.kwonlyargs):
                yield argument.arg, None


def _may_set(text: str, name: str) -> bool:
    """Return whether *text* looks as if it could give *name* a value, or take it away."""
    word = rf"\b{re.escape(name)}\b"
    pattern = rf"{word}[^=]{{0,300}}(?<![=!<>])=(?!=)|\b(?:for|as|del|import)\b.{{0,300}}{word}"
    return len(text) > MAX_PARSED_CHARACTERS or re.search(pattern, text) is not None


def _begins_function(text: str, code: str) -> bool:
    return re.match(r"\s*(async\s+)?def\s", text) is not None and _indent(text) < _indent(code)


def _indent(text: str) -> int:
    return len(indent_of(text.expandtabs()))
