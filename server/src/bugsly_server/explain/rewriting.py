"""Returns connections, streams files, and keeps the text of exceptions."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from bugsly_server.explain.edits import Lines, indent_of, line_of, stands_alone, with_import
from bugsly_server.model.diagnosis import Diagnosis

RETURNS_ITSELF = re.compile(r"(?i)session$|^begin$")
"""Calls whose result a `with` block closes."""
IS_CLOSED = re.compile(r"(?i)connect$|connection$")
"""Calls whose result has a close(), which a `with` block may or may not call."""


def close_connection(lines: Lines, tree: ast.Module, diagnosis: Diagnosis) -> Lines | None:
    """Turn `conn = engine.connect()` and what follows it into a with block."""
    line = line_of(diagnosis)
    for block in _blocks(tree):
        for node, rest in ((one, block[index + 1 :]) for index, one in enumerate(block)):
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() as made) if (
                    node.lineno <= line <= (node.end_lineno or line)
                ):
                    whole = stands_alone(lines, node) and not _escapes(rest, name)
                    return _with_block(lines, tree, (node, made, name), rest) if whole else None
    return None


def _blocks(tree: ast.Module) -> Iterator[list[ast.stmt]]:
    for node in ast.walk(tree):
        for field in ("body", "orelse", "finalbody"):
            block = getattr(node, field, None)
            if isinstance(block, list) and block:
                yield block


def _escapes(rest: list[ast.stmt], name: str) -> bool:
    """Return whether the connection outlives the block: it is given back or put elsewhere."""
    values = [
        node.value
        for one in rest
        for node in ast.walk(one)
        if isinstance(node, ast.Return | ast.Yield | ast.Assign)
    ]
    return any(isinstance(value, ast.Name) and value.id == name for value in values)


def _with_block(
    lines: Lines, tree: ast.Module, made: tuple[ast.Assign, ast.Call, str], rest: list[ast.stmt]
) -> Lines | None:
    node, call, name = made
    called = str(getattr(call.func, "attr", getattr(call.func, "id", "")))
    written = ast.unparse(call)
    of_engine = called == "connect" and not call.args and not call.keywords
    if not rest or not (RETURNS_ITSELF.search(called) or IS_CLOSED.search(called)):
        return None
    if of_engine or RETURNS_ITSELF.search(called):
        return _indented(lines, node, rest, f"with {written} as {name}:")
    mended = _indented(lines, node, rest, f"with closing({written}) as {name}:")
    return with_import(mended, tree, "from contextlib import closing")


def _indented(lines: Lines, first: ast.stmt, rest: list[ast.stmt], head: str) -> Lines:
    begin, end = first.end_lineno or first.lineno, rest[-1].end_lineno or rest[-1].lineno
    inside = {
        line
        for one in rest
        for node in ast.walk(one)
        if isinstance(node, ast.Constant | ast.JoinedStr)
        for line in range(node.lineno + 1, (node.end_lineno or node.lineno) + 1)
    }
    body = [
        text if number in inside or not text.strip() else f"    {text}"
        for number, text in enumerate(lines[begin:end], begin + 1)
    ]
    return [
        *lines[: first.lineno - 1],
        f"{indent_of(lines[first.lineno - 1])}{head}",
        *body,
        *lines[end:],
    ]


def send_file(lines: Lines, tree: ast.Module, diagnosis: Diagnosis) -> Lines | None:
    """Let Flask stream a file that a view reads whole."""
    line = line_of(diagnosis)
    for node in ast.walk(tree):
        match node:
            case ast.Return(
                value=ast.Call(
                    func=ast.Attribute(
                        value=ast.Call(func=ast.Name(id="open"), args=[path, *_]), attr="read"
                    ),
                    args=[],
                )
            ) if node.lineno <= line <= (node.end_lineno or line) and stands_alone(lines, node):
                indent = indent_of(lines[node.lineno - 1])
                lines[node.lineno - 1 : node.end_lineno] = [
                    f"{indent}return send_file({_absolute(path)})"
                ]
                if _is_relative(path):
                    lines = with_import(lines, tree, "from pathlib import Path")
                return with_import(lines, tree, "from flask import send_file")
    return None


def _is_relative(path: ast.expr) -> bool:
    """Return whether *path* is one that send_file looks for beside the app, and open() does not."""
    return (
        isinstance(path, ast.Constant)
        and isinstance(path.value, str)
        and not path.value.startswith("/")
    )


def _absolute(path: ast.expr) -> str:
    written = ast.unparse(path)
    return f"Path({written}).absolute()" if _is_relative(path) else written


def keep_text(lines: Lines, tree: ast.Module, diagnosis: Diagnosis) -> Lines | None:
    """Keep what an exception says instead of the exception."""
    line = line_of(diagnosis)
    caught = {node.name for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler)}
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr="append"), args=[ast.Name(id=name) as kept]) if (
                node.lineno <= line <= (node.end_lineno or line) and name in caught
            ):
                text = lines[kept.lineno - 1].encode()
                begin, end = kept.col_offset, kept.end_col_offset or kept.col_offset
                mended = text[:begin] + f"repr({name})".encode() + text[end:]
                lines[kept.lineno - 1] = mended.decode()
                return lines
    return None
