"""Finds statements in source lines and adds imports to them, for all rewrites."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from itertools import takewhile

from bugsly_server.model.diagnosis import Diagnosis

SourceLines = list[str]
Fixer = Callable[[SourceLines, ast.Module, Diagnosis], SourceLines | None]
"""Returns the fixed lines, None if it knows no fix."""


def split_lines(text: str) -> SourceLines:
    """Return the lines of *text* as Python counts them: a form feed ends none."""
    return re.split(r"\r\n|\r|\n", re.sub(r"(\r\n|\r|\n)\Z", "", text))


def site_line_number(diagnosis: Diagnosis) -> int:
    """Return the number of the leaking line, 0 if it is not known."""
    number = diagnosis.site.rpartition(":")[2]
    return int(number) if number.isdigit() else 0


def statement_at(tree: ast.Module, line: int) -> ast.stmt | None:
    """Return the innermost statement that spans *line*, None if there is none."""
    statements = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or node.lineno)
    ]
    return max(statements, key=lambda node: (node.lineno, node.col_offset), default=None)


def indent_of(text: str) -> str:
    """Return the white space that *text* begins with."""
    return text[: len(text) - len(text.lstrip())]


def source_of(lines: SourceLines, node: ast.expr) -> str:
    """Return the source of *node*: as it is written where it is on one line, else rewritten."""
    if node.lineno != node.end_lineno:
        return ast.unparse(node)
    return lines[node.lineno - 1].encode()[node.col_offset : node.end_col_offset].decode()


def is_alone_on_lines(lines: SourceLines, node: ast.stmt) -> bool:
    """Return whether the lines of *node* hold nothing else but a comment."""
    first, last = lines[node.lineno - 1], lines[(node.end_lineno or node.lineno) - 1]
    before = first.encode()[: node.col_offset].strip()
    after = last.encode()[node.end_col_offset or 0 :].strip()
    return not before and (not after or after.startswith(b"#"))


def with_import(lines: SourceLines, tree: ast.Module, line: str) -> SourceLines:
    """Return *lines* with the import *line* among those at the top, unless it is there already."""
    needed = ast.parse(line).body[0]
    assert isinstance(needed, ast.ImportFrom), "it imports from a module"
    body = tree.body[1:] if ast.get_docstring(tree) is not None else tree.body
    imports = list(takewhile(lambda node: isinstance(node, ast.Import | ast.ImportFrom), body))
    if any(_is_same_import(node, needed) for node in imports):
        return lines
    position = _first_line(body[0]) - 1 if body else len(lines)
    for node in imports:
        if isinstance(node, ast.Import) or _comes_before(node, needed):
            position = node.end_lineno or node.lineno
    return [*lines[:position], line, *lines[position:]]


def _is_same_import(node: ast.stmt, needed: ast.ImportFrom) -> bool:
    return (
        isinstance(node, ast.ImportFrom)
        and (node.level, node.module) == (0, needed.module)
        and any(one.asname is None and one.name == needed.names[0].name for one in node.names)
    )


def _comes_before(node: ast.stmt, needed: ast.ImportFrom) -> bool:
    if not isinstance(node, ast.ImportFrom) or node.level:
        return False
    return (node.module or "") < (needed.module or "")


def _first_line(node: ast.stmt) -> int:
    """Return the line that *node*, with its decorators, begins on."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(one.lineno for one in decorators)])
