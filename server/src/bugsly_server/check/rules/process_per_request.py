"""BG406: each request starts a program that nothing waits for."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from bugsly_server.check.once import happens_once
from bugsly_server.check.resources import Closing, follow, opened_calls
from bugsly_server.check.rule import CheckedCode, CheckRule, Offence
from bugsly_server.check.source_module import SourceFunction

STARTERS = re.compile(r"^(subprocess\.Popen|asyncio\.create_subprocess_(exec|shell))$")
WAITING = re.compile(r"\.(wait|communicate|poll|returncode)\b")
LEFT_ALONE = frozenset({Closing.NEVER, Closing.ON_SUCCESS_ONLY})


def find(code: CheckedCode) -> Iterator[Offence]:
    """Yield the programs that requests start and leave alone."""
    for reached in code.per_request:
        function = reached.function
        if WAITING.search(function.text):
            continue
        for call in opened_calls(STARTERS, function, code.project):
            if _is_kept(call, function) or happens_once(call, function, code.project):
                continue
            if follow(call, function, code.project).closing in LEFT_ALONE:
                yield Offence(
                    module=function.module,
                    node=call,
                    message=f"a program is started with {reached.entry} and nothing waits for it: use"
                    " `subprocess.run(…, timeout=…)`, or start it from a task queue",
                )


def _is_kept(call: ast.Call, function: SourceFunction) -> bool:
    around = next(function.ancestors(call), None)
    match around:
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name in function.global_names
        case _:
            return False


RULE = CheckRule(
    code="BG406",
    name="process-per-request",
    summary="Each request starts a program, and nothing waits for it.",
    why="A program that runs takes memory beside the worker, in the same container. One that has ended and is not"
    " waited for stays in the table of processes, and nothing bounds how many run at once.",
    bad="""import subprocess

from flask import Flask

app = Flask(__name__)


@app.post("/receipts/<int:number>")
def receipt(number):
    printer = subprocess.Popen(["lp", f"/srv/receipts/{number}.pdf"])
    return {"printer": printer.pid}
""",
    good="""import subprocess

from flask import Flask

app = Flask(__name__)


@app.post("/receipts/<int:number>")
def receipt(number):
    done = subprocess.run(["lp", f"/srv/receipts/{number}.pdf"], timeout=10)
    return {"printed": done.returncode == 0}
""",
    find=find,
)
