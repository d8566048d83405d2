"""BG302: a view builds a whole export or archive in memory and sends it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from bugsly_server.check.project import SourceProject
from bugsly_server.check.rule import CheckedCode, CheckRule, Offence
from bugsly_server.check.source_module import SourceFunction

BUFFER = re.compile(r"^io\.(BytesIO|StringIO)\(\)$")
WRITERS = re.compile(r"^(csv\.(writer|DictWriter)|zipfile\.ZipFile|tarfile\.open|gzip\.GzipFile)$")
RESPONSE = re.compile(r"(^|\.)(Response|make_response|send_file|StreamingResponse)$")


def find(code: CheckedCode) -> Iterator[Offence]:
    """Yield the exports that views build as a whole."""
    for reached in code.per_request:
        function = reached.function
        for name in _buffers(function, code.project):
            writer = _writer_of(name, function, code.project)
            if writer is not None and _is_returned(name, function, code.project):
                yield Offence(
                    module=function.module,
                    node=writer,
                    message=f"{reached.entry} builds the whole export in memory: yield it row by row from a"
                    " generator (`Response(rows())`), or write a temporary file and `send_file` it",
                )


def _buffers(function: SourceFunction, project: SourceProject) -> Iterator[str]:
    for name, values in function.bound.items():
        found = [project.resolve(one, function.module, function) for one in values if one]
        if any(BUFFER.match(one) for one in found):
            yield name


def _writer_of(name: str, function: SourceFunction, project: SourceProject) -> ast.Call | None:
    for node in function.nodes:
        match node:
            case ast.Call(func=called, args=args, keywords=keywords):
                given = [*args, *(one.value for one in keywords)]
                is_given = any(isinstance(one, ast.Name) and one.id == name for one in given)
                found = project.resolve(called, function.module, function)
                if is_given and WRITERS.match(found) and _writes_many(function):
                    return node
    return None


def _writes_many(function: SourceFunction) -> bool:
    """Return whether the function writes in a loop: a few fixed rows are no export."""
    return any(
        isinstance(node, ast.For | ast.AsyncFor | ast.While | ast.comprehension)
        or (isinstance(node, ast.Attribute) and node.attr == "writerows")
        for node in function.nodes
    )


def _is_returned(name: str, function: SourceFunction, project: SourceProject) -> bool:
    for node in function.nodes:
        match node:
            case ast.Return(value=value) if value is not None and _mentions(value, name):
                return True
            case ast.Call(func=called, args=[first, *_]) if _mentions(first, name):
                found = project.resolve(called, function.module, function) or ast.unparse(called)
                if RESPONSE.search(found):
                    return True
    return False


def _mentions(node: ast.AST, name: str) -> bool:
    return any(isinstance(one, ast.Name) and one.id == name for one in ast.walk(node))


RULE = CheckRule(
    code="BG302",
    name="export-in-memory",
    summary="A view builds a whole export or archive in memory and sends it.",
    why="An export grows with the data: what takes 2 MB today takes 2 GB in a year, and each request at a time"
    " takes it again. A generator sends row by row, in constant memory.",
    bad="""import csv
import io

from flask import Flask, Response

app = Flask(__name__)


@app.get("/orders.csv")
def orders():
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    for number in range(1_000_000):
        writer.writerow([number])
    return Response(buffer.getvalue(), mimetype="text/csv")
""",
    good="""from flask import Flask, Response

app = Flask(__name__)


@app.get("/orders.csv")
def orders():
    rows = (f"{number}\\r\\n" for number in range(1_000_000))
    return Response(rows, mimetype="text/csv")
""",
    find=find,
)
