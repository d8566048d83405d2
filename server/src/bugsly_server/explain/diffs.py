"""The change that mends a cause, as a unified diff against the user's own source."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Callable, Sequence

from bugsly_server.model.diagnosis import Cause, Diagnosis
from bugsly_server.model.dossier import Dossier

Lines = list[str]
Mender = Callable[[Lines, ast.Module, Diagnosis], Lines | None]
KEPT = 1_000
"""How many entries a mended container keeps."""


def mend(diagnosis: Diagnosis, dossier: Dossier) -> str:
    """Return a diff that mends *diagnosis*; empty where its pattern is not a known one."""
    source = dossier.sources.get(diagnosis.file)
    mender = MENDERS.get(diagnosis.cause)
    if source is None or not source.text or source.edited or mender is None or diagnosis.library:
        return ""
    lines = source.text.splitlines()
    try:
        tree = ast.parse(source.text)
    except (SyntaxError, ValueError, RecursionError):
        return ""
    mended = mender(list(lines), tree, diagnosis)
    if mended is None or not _parses(mended):
        return ""
    name = diagnosis.site.rpartition(":")[0] or source.file.rpartition("/")[2]
    found = difflib.unified_diff(lines, mended, f"a/{name}", f"b/{name}", lineterm="", n=2)
    return "\n".join(found)


def _parses(lines: Sequence[str]) -> bool:
    try:
        ast.parse("\n".join(lines))
    except (SyntaxError, ValueError):
        return False
    return True


def _bound_container(lines: Lines, tree: ast.Module, diagnosis: Diagnosis) -> Lines | None:
    """Make a list a deque with a bound, and let a dict drop its oldest entry."""
    name = diagnosis.holder.rpartition(".")[2]
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=given)], value=made) if given == name:
                return _bound_made(lines, tree, diagnosis, (name, made))
            case ast.AnnAssign(target=ast.Name(id=given), annotation=kind, value=made) if (
                given == name and made is not None
            ):
                written = re.sub(r"^(list|List)\b", "deque", ast.unparse(kind))
                return _bound_made(lines, tree, diagnosis, (f"{name}: {written}", made))
    return None


def _bound_made(
    lines: Lines, tree: ast.Module, diagnosis: Diagnosis, container: tuple[str, ast.expr]
) -> Lines | None:
    declared, made = container
    name = declared.partition(":")[0]
    match made:
        case ast.List(elts=[]) | ast.Call(func=ast.Name(id="list"), args=[]):
            lines[made.lineno - 1] = f"{declared} = deque(maxlen={KEPT})"
            return _with_import(lines, tree, "from collections import deque")
        case ast.Dict(keys=[]) | ast.Call(func=ast.Name(id="dict"), args=[], keywords=[]):
            return _dropping(lines, diagnosis, f"{name}.pop(next(iter({name})))", name)
        case ast.Call(func=ast.Name(id="set"), args=[]):
            return _dropping(lines, diagnosis, f"{name}.pop()", name)
    return None


def _dropping(lines: Lines, diagnosis: Diagnosis, drop: str, name: str) -> Lines | None:
    """Let the line after the culprit drop an entry once there are too many."""
    line = _line(diagnosis)
    if not 0 < line <= len(lines):
        return None
    text = lines[line - 1]
    indent = text[: len(text) - len(text.lstrip())]
    lines[line:line] = [f"{indent}if len({name}) > {KEPT}:", f"{indent}    {drop}"]
    return lines


def _bound_cache(lines: Lines, tree: ast.Module, diagnosis: Diagnosis) -> Lines | None:
    name = diagnosis.holder.rpartition(".")[2]
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.name != name:
            continue
        for decorator in node.decorator_list:
            written = ast.unparse(decorator)
            if "cache" not in written:
                continue
            text = lines[decorator.lineno - 1]
            indent = text[: len(text) - len(text.lstrip())]
            if written.startswith("functools."):
                lines[decorator.lineno - 1] = f"{indent}@functools.lru_cache(maxsize={KEPT})"
                return lines
            lines[decorator.lineno - 1] = f"{indent}@lru_cache(maxsize={KEPT})"
            return _with_import(lines, tree, "from functools import lru_cache")
    return _bound_container(lines, tree, diagnosis)


def _close_connection(lines: Lines, tree: ast.Module, diagnosis: Diagnosis) -> Lines | None:
    """Turn `conn = engine.connect()` and what follows it into a with block."""
    line = _line(diagnosis)
    for block in _bodies(tree):
        for index, node in enumerate(block):
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() as made) if (
                    node.lineno == line and block[index + 1 :]
                ):
                    return _indented(lines, node, block[-1], f"with {ast.unparse(made)} as {name}:")
    return None


def _indented(lines: Lines, first: ast.stmt, last: ast.stmt, head: str) -> Lines:
    indent = " " * first.col_offset
    begin, end = (first.end_lineno or first.lineno), (last.end_lineno or last.lineno)
    body = [f"    {text}" if text.strip() else text for text in lines[begin:end]]
    return [*lines[: first.lineno - 1], f"{indent}{head}", *body, *lines[end:]]


def _send_file(lines: Lines, tree: ast.Module, diagnosis: Diagnosis) -> Lines | None:
    """Let Flask stream a file that a view reads whole."""
    line = _line(diagnosis)
    for node in ast.walk(tree):
        match node:
            case ast.Return(
                value=ast.Call(
                    func=ast.Attribute(
                        value=ast.Call(func=ast.Name(id="open"), args=[path, *_]), attr="read"
                    )
                )
            ) if node.lineno == line:
                indent = " " * node.col_offset
                lines[line - 1] = f"{indent}return send_file({ast.unparse(path)})"
                return _with_import(lines, tree, "from flask import send_file")
    return None


def _keep_text(lines: Lines, tree: ast.Module, diagnosis: Diagnosis) -> Lines | None:
    """Keep what an exception says instead of the exception."""
    line = _line(diagnosis)
    caught = {node.name for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler)}
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr="append"), args=[ast.Name(id=name) as kept]) if (
                node.lineno == line and name in caught
            ):
                text = lines[line - 1]
                begin, end = kept.col_offset, kept.end_col_offset or kept.col_offset
                lines[line - 1] = f"{text[:begin]}repr({name}){text[end:]}"
                return lines
    return None


MENDERS: dict[Cause, Mender] = {
    Cause.GROWING_CONTAINER: _bound_container,
    Cause.UNBOUNDED_CACHE: _bound_cache,
    Cause.UNRETURNED_CONNECTION: _close_connection,
    Cause.BUFFERED_RESPONSE: _send_file,
    Cause.KEPT_EXCEPTION: _keep_text,
}


def _line(diagnosis: Diagnosis) -> int:
    number = diagnosis.site.rpartition(":")[2]
    return int(number) if number.isdigit() else 0


def _bodies(tree: ast.Module) -> list[list[ast.stmt]]:
    """Return all blocks of statements."""
    found = []
    for node in ast.walk(tree):
        for field in ("body", "orelse", "finalbody"):
            block = getattr(node, field, None)
            if isinstance(block, list) and block:
                found.append(block)
    return found


def _with_import(lines: Lines, tree: ast.Module, line: str) -> Lines:
    """Add *line* to the imports unless what it imports is there already."""
    wanted = ast.parse(line).body[0]
    assert isinstance(wanted, ast.ImportFrom), "it imports from a module"
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    there = {
        (node.module, alias.name)
        for node in imports
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    if (wanted.module, wanted.names[0].name) in there:
        return lines
    at = 0
    for node in imports:
        if isinstance(node, ast.Import) or (node.module or "") < (wanted.module or ""):
            at = node.end_lineno or node.lineno
    return [*lines[:at], line, *lines[at:]]
