"""Rewrites leaks of connections, whole files and exceptions."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from bugsly_server.explain.fixes.source_edits import (
    SourceLines,
    indent_of,
    is_alone_on_lines,
    site_line_number,
    source_of,
    with_import,
)
from bugsly_server.model.diagnosis import Diagnosis

CLOSED_BY_WITH = re.compile(r"(?i)session$|^(begin|open|urlopen|client|zipfile)$")
"""Calls whose result a `with` block closes."""
HAS_CLOSE = re.compile(r"(?i)connect$|connection$")
"""Calls whose result has a close(), which a `with` block may or may not call."""


def close_connection(
    lines: SourceLines, tree: ast.Module, diagnosis: Diagnosis
) -> SourceLines | None:
    """Turn `conn = engine.connect()` and the statements after it into a `with` block."""
    line = site_line_number(diagnosis)
    for block in _blocks(tree):
        for node, following in ((one, block[index + 1 :]) for index, one in enumerate(block)):
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() as call) if (
                    node.lineno <= line <= (node.end_lineno or line)
                ):
                    is_safe = is_alone_on_lines(lines, node) and not _outlives_block(
                        following, name
                    )
                    return (
                        _with_block(lines, tree, (node, call, name), following) if is_safe else None
                    )
    return None


def _blocks(tree: ast.Module) -> Iterator[list[ast.stmt]]:
    for node in ast.walk(tree):
        for field in ("body", "orelse", "finalbody"):
            block = getattr(node, field, None)
            if isinstance(block, list) and block:
                yield block


def _outlives_block(following: list[ast.stmt], name: str) -> bool:
    """Return whether the connection outlives the block: it is returned, yielded or assigned."""
    values = [
        node.value
        for one in following
        for node in ast.walk(one)
        if isinstance(node, ast.Return | ast.Yield | ast.Assign)
    ]
    return any(isinstance(value, ast.Name) and value.id == name for value in values)


def _with_block(
    lines: SourceLines,
    tree: ast.Module,
    assignment: tuple[ast.Assign, ast.Call, str],
    following: list[ast.stmt],
) -> SourceLines | None:
    node, call, name = assignment
    function_name = str(getattr(call.func, "attr", getattr(call.func, "id", "")))
    source = source_of(lines, call)
    is_engine_connect = function_name == "connect" and not call.args and not call.keywords
    if not following or not (
        CLOSED_BY_WITH.search(function_name) or HAS_CLOSE.search(function_name)
    ):
        return None
    if is_engine_connect or CLOSED_BY_WITH.search(function_name):
        return _indented(lines, node, following, f"with {source} as {name}:")
    fixed = _indented(lines, node, following, f"with closing({source}) as {name}:")
    return with_import(fixed, tree, "from contextlib import closing")


def _indented(
    lines: SourceLines, first: ast.stmt, following: list[ast.stmt], head: str
) -> SourceLines:
    begin, end = first.end_lineno or first.lineno, following[-1].end_lineno or following[-1].lineno
    string_lines = {
        line
        for one in following
        for node in ast.walk(one)
        if isinstance(node, ast.Constant | ast.JoinedStr)
        for line in range(node.lineno + 1, (node.end_lineno or node.lineno) + 1)
    }
    body = [
        text if number in string_lines or not text.strip() else f"    {text}"
        for number, text in enumerate(lines[begin:end], begin + 1)
    ]
    return [
        *lines[: first.lineno - 1],
        f"{indent_of(lines[first.lineno - 1])}{head}",
        *body,
        *lines[end:],
    ]


def send_file(lines: SourceLines, tree: ast.Module, diagnosis: Diagnosis) -> SourceLines | None:
    """Replace `return open(path).read()` by `send_file(path)`, which streams the file."""
    line = site_line_number(diagnosis)
    for node in ast.walk(tree):
        match node:
            case ast.Return(
                value=ast.Call(
                    func=ast.Attribute(
                        value=ast.Call(func=ast.Name(id="open"), args=[path, *_]), attr="read"
                    ),
                    args=[],
                )
            ) if node.lineno <= line <= (node.end_lineno or line) and is_alone_on_lines(
                lines, node
            ):
                indent, source = indent_of(lines[node.lineno - 1]), source_of(lines, path)
                lines[node.lineno - 1 : node.end_lineno] = [
                    f"{indent}return send_file({_absolute(source, path)})"
                ]
                if _is_relative(path):
                    lines = with_import(lines, tree, "from pathlib import Path")
                return with_import(lines, tree, "from flask import send_file")
    return None


def _is_relative(path: ast.expr) -> bool:
    """Return whether `send_file` would look for *path* in the app's folder, unlike `open`."""
    return (
        isinstance(path, ast.Constant)
        and isinstance(path.value, str)
        and not path.value.startswith("/")
    )


def _absolute(source: str, path: ast.expr) -> str:
    return f"Path({source}).absolute()" if _is_relative(path) else source


def store_exception_text(
    lines: SourceLines, tree: ast.Module, diagnosis: Diagnosis
) -> SourceLines | None:
    """Append the `repr` of a caught exception instead of the exception."""
    line = site_line_number(diagnosis)
    caught = {node.name for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler)}
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(attr="append"), args=[ast.Name(id=name) as argument]
            ) if node.lineno <= line <= (node.end_lineno or line) and name in caught:
                text = lines[argument.lineno - 1].encode()
                begin, end = argument.col_offset, argument.end_col_offset or argument.col_offset
                fixed = text[:begin] + f"repr({name})".encode() + text[end:]
                lines[argument.lineno - 1] = fixed.decode()
                return lines
    return None
