"""BG501: Python's cyclic collector is switched off and never runs."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from bugsly_server.check.project import SourceProject
from bugsly_server.check.rule import CheckedCode, CheckRule, Offence
from bugsly_server.check.source_module import SourceFunction, SourceModule


class CollectorCall(NamedTuple):
    """A call of the `gc` module."""

    name: str
    module: SourceModule
    scope: SourceFunction | None
    node: ast.Call

    @property
    def switches_off(self) -> bool:
        """Return whether no collection starts by itself from here on."""
        match self.node.args:
            case [ast.Constant(value=0), *_]:
                return self.name in {"gc.disable", "gc.set_threshold"}
            case _:
                return self.name == "gc.disable"


def find(code: CheckedCode) -> Iterator[Offence]:
    """Yield the calls that switch the collector off in a project that never runs it."""
    calls = [
        call
        for module in code.project.modules
        if "gc" in module.text
        for call in _collector_calls(module, code.project)
    ]
    off = [call for call in calls if call.switches_off]
    if any(_runs_it(call, off) for call in calls):
        return
    for call in off:
        yield Offence(
            module=call.module,
            node=call.node,
            message="the cyclic collector is switched off and nothing in the project runs it: objects in"
            " cycles are never freed. Remove the call, or call `gc.collect()` between requests",
        )


def _runs_it(call: CollectorCall, off: list[CollectorCall]) -> bool:
    """Return whether *call* shows a plan: a collection just before the switch is none."""
    if call.name == "gc.enable":
        return True
    is_beside_switch = any(one.module is call.module and one.scope is call.scope for one in off)
    return call.name == "gc.collect" and not is_beside_switch


def _collector_calls(module: SourceModule, project: SourceProject) -> Iterator[CollectorCall]:
    for scope, nodes in module.scopes:
        for node in nodes:
            if isinstance(node, ast.Call):
                found = project.resolve(node.func, module, scope)
                if found.startswith("gc."):
                    yield CollectorCall(found, module, scope, node)


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
