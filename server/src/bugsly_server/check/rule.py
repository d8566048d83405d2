"""Defines a rule, what it finds, and how that is fixed."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from bugsly_server.check.per_request import RequestFunction
from bugsly_server.check.project import SourceProject
from bugsly_server.check.source_module import SourceModule
from bugsly_server.model.diagnosis import Cause

MAX_MESSAGE_LENGTH = 500
"""A message quotes paths and names, which may be as long as anybody likes."""


class Rewrite(NamedTuple):
    """How a finding is fixed: as the leak that it would become in production, or by new lines."""

    cause: Cause | None = None
    holder: str | None = None
    """The container or the cache that is bounded, as its module names it."""
    added_lines: tuple[str, ...] = ()
    """What is added at the end of the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckFinding:
    """One place that a rule objects to."""

    code: str
    path: Path
    line: int
    column: int
    """In characters, from 1."""
    end_line: int
    text: str
    """The line, without the space around it."""
    message: str
    """What happens, and how to fix it."""
    rewrite: Rewrite | None = None
    """None where no fix is safe."""


class Offence(NamedTuple):
    """A node that a rule objects to, and what it says of it."""

    module: SourceModule
    node: ast.AST
    message: str
    rewrite: Rewrite | None = None


class CheckedCode(NamedTuple):
    """What a rule looks at."""

    project: SourceProject
    request_functions: dict[int, RequestFunction]

    @property
    def per_request(self) -> Iterable[RequestFunction]:
        """Return the functions that run for each request."""
        return self.request_functions.values()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRule:
    """One rule of `bugsly check`, and the text of its page."""

    code: str
    name: str
    summary: str
    """One sentence, for lists."""
    why: str
    bad: str
    good: str
    find: Callable[[CheckedCode], Iterable[Offence]]
    file_name: str = "shop.py"
    """Of the example: some rules look at configuration."""


def finding_of(rule: CheckRule, offence: Offence) -> CheckFinding:
    """Return the finding of *rule* at *offence*."""
    line: int = getattr(offence.node, "lineno", 1)
    text = offence.module.lines[line - 1]
    before = text.encode()[: getattr(offence.node, "col_offset", 0)]
    return CheckFinding(
        code=rule.code,
        path=offence.module.path,
        line=line,
        column=len(before.decode()) + 1,
        end_line=getattr(offence.node, "end_lineno", line),
        text=printable(text.strip()),
        message=printable(offence.message),
        rewrite=offence.rewrite,
    )


def printable(text: str) -> str:
    """Return *text* for a line of a terminal: short, and with control characters escaped."""
    shown = text if len(text) <= MAX_MESSAGE_LENGTH else f"{text[:MAX_MESSAGE_LENGTH]}…"
    if shown.isprintable():
        return shown
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in shown)
