"""BG402: each request starts a thread or a timer, and nothing bounds how many run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from bugsly_server.check.once import happens_once
from bugsly_server.check.resources import opened_calls
from bugsly_server.check.rule import CheckedCode, CheckRule, Offence
from bugsly_server.check.source_module import SourceFunction

STARTERS = re.compile(
    r"^(threading\.(Thread|Timer)|multiprocessing\.Process|_thread\.start_new_thread)$"
)

STATE = re.compile(r"(?i)running|in_?progress|busy|started|status|stage")
COUNTING = re.compile(r"\.is_alive\(|\bactive_count\(|\.acquire\((blocking=)?False")
JOINED_TEXT = re.compile(r"(['\"])[^'\"]*\1\.join\(|\bpath\.join\(")


def find(code: CheckedCode) -> Iterator[Offence]:
    """Yield the threads that requests start and do not wait for."""
    for reached in code.per_request:
        if _is_bounded(reached.function):
            continue
        for call in opened_calls(STARTERS, reached.function, code.project):
            if (
                _is_kept(call, reached.function)
                or happens_once(call, reached.function, code.project)
                or _asks_for_another(call, reached.function)
            ):
                continue
            yield Offence(
                module=reached.function.module,
                node=call,
                message=f"a thread is started with {reached.entry}, and nothing bounds how many run at once:"
                " submit to one `ThreadPoolExecutor` made at start, or to a task queue",
            )


def _is_kept(call: ast.Call, function: SourceFunction) -> bool:
    """Return whether an object keeps its thread: there is one for each object, then."""
    around = next(function.ancestors(call), None)
    match around:
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            return True
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name in function.global_names
    return False


def _asks_for_another(call: ast.Call, function: SourceFunction) -> bool:
    """Return whether *call* depends on a state that says whether one runs already."""
    return any(
        isinstance(around, ast.If) and STATE.search(ast.unparse(around.test))
        for around in function.ancestors(call)
    )


def _is_bounded(function: SourceFunction) -> bool:
    """Return whether the function ends its threads, or asks whether one runs already."""
    text = JOINED_TEXT.sub("", function.text)
    is_told = any(isinstance(node, ast.Try) and _tells(node.finalbody) for node in function.nodes)
    is_joined = ".join(" in text and ".start(" in text
    return is_told or is_joined or COUNTING.search(text) is not None


def _tells(statements: list[ast.stmt]) -> bool:
    """Return whether *statements* tell a thread to end."""
    return any(
        isinstance(node, ast.Attribute) and node.attr in {"set", "cancel", "stop"}
        for statement in statements
        for node in ast.walk(statement)
    )


RULE = CheckRule(
    code="BG402",
    name="thread-per-request",
    summary="Each request starts a thread, a timer or a process, and nothing bounds how many run.",
    why="A thread lives as long as its work. When that takes longer than requests take to come (a slow mail server"
    " is enough), threads pile up, each with its stack and all that it refers to; a recycled worker kills them in the"
    " middle of their work.",
    bad="""from threading import Thread

from flask import Flask

app = Flask(__name__)


def send_mail(to):
    return to


@app.post("/orders")
def order():
    Thread(target=send_mail, args=("ada@example.com",)).start()
    return {"ok": True}
""",
    good="""from concurrent.futures import ThreadPoolExecutor

from flask import Flask

app = Flask(__name__)
executor = ThreadPoolExecutor(4)


def send_mail(to):
    return to


@app.post("/orders")
def order():
    executor.submit(send_mail, "ada@example.com")
    return {"ok": True}
""",
    find=find,
)
