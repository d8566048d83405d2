"""BG501: Python's cyclic collector is switched off and never runs."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from bugsly_server.check.project import SourceProject
from bugsly_server.check.rule import CheckedCode, CheckRule, Offence
from bugsly_server.check.source_module import SourceModule

PLANS = frozenset({"gc.collect", "gc.enable", "gc.freeze"})
"""Calls that show that somebody thought of it."""


def find(code: CheckedCode) -> Iterator[Offence]:
    """Yield the calls that switch the collector off in a project that never runs it."""
    calls = [
        (found, module, call)
        for module in code.project.modules
        if "gc" in module.text
        for found, call in _collector_calls(module, code.project)
    ]
    if any(found in PLANS for found, _, _ in calls):
        return
    for found, module, call in calls:
        if found == "gc.disable":
            yield Offence(
                module=module,
                node=call,
                message="the cyclic collector is switched off and nothing in the project runs it: objects in"
                " cycles are never freed. Remove the call, or call `gc.collect()` between requests",
            )


def _collector_calls(
    module: SourceModule, project: SourceProject
) -> Iterator[tuple[str, ast.Call]]:
    """Yield the calls of the `gc` module, each with its name."""
    for scope, nodes in module.scopes:
        for node in nodes:
            if isinstance(node, ast.Call):
                found = project.resolve(node.func, module, scope)
                if found.startswith("gc."):
                    yield found, node


RULE = CheckRule(
    code="BG501",
    name="collector-off",
    summary="Python's cyclic collector is switched off, and nothing runs it.",
    why="Objects that refer to each other are freed by the collector alone. Exceptions, closures, ORM objects and"
    " templates make such cycles with every request.",
    bad="""import gc

from flask import Flask

gc.disable()
app = Flask(__name__)
""",
    good="""import gc

from flask import Flask

app = Flask(__name__)
gc.collect()
gc.freeze()
""",
    find=find,
)
