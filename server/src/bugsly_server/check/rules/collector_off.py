"""BG501: Python's cyclic collector is switched off and never runs."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from bugsly_server.check.rule import CheckedCode, CheckRule, Offence


def find(code: CheckedCode) -> Iterator[Offence]:
    """Yield the calls that switch the collector off in a project that never runs it."""
    calls = []
    has_plan = False
    for module in code.project.modules:
        if "gc" not in module.text:
            continue
        scopes = [(None, module.nodes), *((one, one.nodes) for one in module.functions)]
        for scope, nodes in scopes:
            for node in nodes:
                if isinstance(node, ast.Call):
                    found = code.project.resolve(node.func, module, scope)
                    has_plan |= found in {"gc.collect", "gc.enable", "gc.freeze"}
                    if found == "gc.disable":
                        calls.append((module, node))
    if not has_plan:
        for module, node in calls:
            yield Offence(
                module=module,
                node=node,
                message="the cyclic collector is switched off and nothing in the project runs it: objects in"
                " cycles are never freed. Remove the call, or call `gc.collect()` between requests",
            )


RULE = CheckRule(
    code="BG501",
    name="collector-off",
    summary="Python's cyclic collector is switched off, and nothing runs it.",
    why="Objects that refer to each other are freed by the collector alone. Exceptions, closures, ORM objects and"
    " templates make such cycles with every request.",
    bad='''import gc

from flask import Flask

gc.disable()
app = Flask(__name__)
''',
    good='''import gc

from flask import Flask

app = Flask(__name__)
gc.collect()
gc.freeze()
''',
    find=find,
)
