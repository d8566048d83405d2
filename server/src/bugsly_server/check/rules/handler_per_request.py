"""BG403: each request adds a handler, a listener or a callback that stays."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from bugsly_server.check.once import happens_once
from bugsly_server.check.resources import opened_calls
from bugsly_server.check.rule import CheckedCode, CheckRule, Offence
from bugsly_server.check.source_module import SourceFunction

REGISTERING = re.compile(
    r"(^|\.|\?)(logging\.getLogger\(\)|logger|log|root)\.(addHandler|addFilter)$"
    r"|^atexit\.register$|^sqlalchemy\.event\.(listen|listens_for)$|^event\.listen$"
    r"|^(blinker|flask)\.(\w+\.)*\w+(\(\))?\.connect(_via)?$|^signal\.signal$|^sys\.settrace$"
    r"|\.app\.logger\.(addHandler|addFilter)$|^\?(\w+\.)*logger\.(addHandler|addFilter)$"
    r"|^weakref\.finalize$"
)
REMOVING = re.compile(
    r"removeHandler|removeFilter|\.disconnect\(|event\.remove\(|atexit\.unregister"
)


def find(code: CheckedCode) -> Iterator[Offence]:
    """Yield what requests register and do not take back."""
    for reached in code.per_request:
        function = reached.function
        if REMOVING.search(function.text):
            continue
        calls = [*opened_calls(REGISTERING, function, code.project), *_strong_connects(function)]
        for call in calls:
            if happens_once(call, function, code.project):
                continue
            yield Offence(
                module=function.module,
                node=call,
                message=f"a handler is added with {reached.entry} and never removed: add it once, at module"
                " level or in the application factory",
            )


def _strong_connects(function: SourceFunction) -> Iterator[ast.Call]:
    """Yield the calls that connect a receiver to a signal for ever."""
    for node in function.nodes:
        match node:
            case ast.Call(func=ast.Attribute(attr="connect"), keywords=keywords):
                if any(_is_given_false(one, "weak") for one in keywords):
                    yield node


def _is_given_false(keyword: ast.keyword, name: str) -> bool:
    value = keyword.value
    return keyword.arg == name and isinstance(value, ast.Constant) and value.value is False


RULE = CheckRule(
    code="BG403",
    name="handler-per-request",
    summary="Each request adds a log handler, a signal receiver or a callback that stays.",
    why="Loggers, signals and `atexit` keep all that was ever added. Besides the memory, each event then calls all"
    " of them: the tenth request logs its line ten times.",
    bad="""import logging

from flask import Flask

app = Flask(__name__)


@app.get("/")
def index():
    logger = logging.getLogger("shop")
    logger.addHandler(logging.StreamHandler())
    return "hello"
""",
    good="""import logging

from flask import Flask

app = Flask(__name__)
logger = logging.getLogger("shop")
logger.addHandler(logging.StreamHandler())


@app.get("/")
def index():
    logger.info("index")
    return "hello"
""",
    find=find,
)
