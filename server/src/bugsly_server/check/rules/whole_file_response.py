"""BG301: a view reads a whole file into memory and sends it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from bugsly_server.check.project import SourceProject
from bugsly_server.check.request_data import varies_by_request
from bugsly_server.check.rule import CheckedCode, CheckRule, Offence, Rewrite
from bugsly_server.check.source_module import SourceFunction
from bugsly_server.model.diagnosis import Cause

RESPONSE = re.compile(r"(^|\.)(Response|make_response|StreamingResponse|send_file)$")
BUFFERS = re.compile(r"^io\.(BytesIO|StringIO)$")
READING = frozenset({"read", "read_bytes", "read_text", "readlines"})
TEMPLATE_SUFFIXES = (".html", ".txt", ".md", ".json", ".xml", ".css", ".js", ".svg")
"""Files of the application itself, read by a fixed name: they are small."""


def find(code: CheckedCode) -> Iterator[Offence]:
    """Yield the whole files that views return."""
    for reached in code.per_request:
        function = reached.function
        if reached.depth > 0:
            continue
        for value in _returned(function):
            read = _whole_read(value, function, code.project, 3)
            if read is not None:
                yield Offence(
                    module=function.module,
                    node=read,
                    message=f"{reached.entry} reads a whole file into memory before it answers:"
                    " return `send_file(path)`, which streams it",
                    rewrite=Rewrite(Cause.BUFFERED_RESPONSE) if _uses_flask(function) else None,
                )


def _uses_flask(function: SourceFunction) -> bool:
    """Return whether its module is of Flask, so that it may answer with `flask.send_file`."""
    return any(one.partition(".")[0] == "flask" for one in function.module.imports.values())


def _returned(function: SourceFunction) -> Iterator[ast.expr]:
    for node in function.nodes:
        if isinstance(node, ast.Return) and node.value is not None:
            value = node.value
            yield from value.elts[:1] if isinstance(value, ast.Tuple) else [value]


def _whole_read(
    node: ast.expr, function: SourceFunction, project: SourceProject, depth: int
) -> ast.Call | None:
    """Return the call that reads a whole file and gives *node* its value."""
    match node:
        case ast.Call(func=ast.Attribute(value=source, attr=name)) as call if (
            name in READING and not call.args
        ):
            return call if _is_file(source, function, project) else None
        case ast.Call(func=called, args=[first, *_]):
            found = project.resolve(called, function.module, function) or ast.unparse(called)
            if RESPONSE.search(found) or BUFFERS.match(found):
                return _whole_read(first, function, project, depth)
        case ast.Name(id=name) if depth:
            for value in function.bound.get(name, ()):
                read = None if value is None else _whole_read(value, function, project, depth - 1)
                if read is not None:
                    return read
    return None


def _is_file(source: ast.expr, function: SourceFunction, project: SourceProject) -> bool:
    """Return whether *source* is a file, or a path, with a name that is not fixed."""
    opened = _opening_call(source, function)
    if opened is None:
        found = project.resolve(source, function.module, function)
        return found.startswith("pathlib.Path()") and not _has_fixed_name(source, function)
    found = project.resolve(opened.func, function.module, function)
    is_open = found in {"open", "io.open", "gzip.open"} or found.startswith("pathlib.Path().open")
    return is_open and bool(opened.args) and not _is_of_the_app(opened, function, project)


def _is_of_the_app(opened: ast.Call, function: SourceFunction, project: SourceProject) -> bool:
    """Return whether *opened* is a file of the application: text under a name that never changes."""
    path, *mode = [*opened.args, *(one.value for one in opened.keywords if one.arg == "mode")]
    is_binary = any(isinstance(one, ast.Constant) and "b" in str(one.value) for one in mode)
    is_fixed = not is_binary and not varies_by_request(path, function, project)
    return is_fixed or _is_small_and_fixed(path)


def _opening_call(source: ast.expr, function: SourceFunction) -> ast.Call | None:
    match source:
        case ast.Call():
            return source
        case ast.Name(id=name):
            values = [one for one in function.bound.get(name, ()) if isinstance(one, ast.Call)]
            return values[0] if len(values) == 1 else None
    return None


def _has_fixed_name(source: ast.expr, function: SourceFunction) -> bool:
    made = _opening_call(source, function)
    return made is None or not made.args or _is_small_and_fixed(made.args[0])


def _is_small_and_fixed(path: ast.expr) -> bool:
    return (
        isinstance(path, ast.Constant)
        and isinstance(path.value, str)
        and path.value.endswith(TEMPLATE_SUFFIXES)
    )


RULE = CheckRule(
    code="BG301",
    name="whole-file-response",
    summary="A view reads a whole file into memory and sends it.",
    why="A file of 500 MB takes 500 MB of the worker while it is sent, once for each request at a time. Python"
    " and the C library rarely give so much back, so the worker stays as large as its largest answer.",
    bad="""from flask import Flask

app = Flask(__name__)


@app.get("/export/<name>")
def export(name):
    return open(f"/srv/exports/{name}.zip", "rb").read()
""",
    good="""from flask import Flask, send_file

app = Flask(__name__)


@app.get("/export/<name>")
def export(name):
    return send_file(f"/srv/exports/{name}.zip")
""",
    find=find,
)
