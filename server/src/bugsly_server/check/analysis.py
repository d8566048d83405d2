"""Checks source files: reads them, finds what runs per request, and asks every rule."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bugsly_server.check.per_request import find_request_functions
from bugsly_server.check.problems import UnreadableSource
from bugsly_server.check.project import Project
from bugsly_server.check.rule import CheckedCode, CheckFinding, CheckRule, finding_of
from bugsly_server.check.source_module import SourceModule, read_module

SUPPRESSION = re.compile(r"#\s*bugsly:\s*ignore(?:\[(?P<codes>[\w,\s]+)\])?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a run found."""

    findings: tuple[CheckFinding, ...]
    """By file and line."""
    problems: tuple[UnreadableSource, ...]
    checked_files: int


def check_files(paths: Sequence[Path], rules: Iterable[CheckRule]) -> CheckResult:
    """Return what *rules* find in the files *paths*."""
    modules: list[SourceModule] = []
    problems = []
    for path in paths:
        try:
            modules.append(read_module(path))
        except UnreadableSource as problem:
            problems.append(problem)
    findings = sorted(
        set(_findings(modules, rules)),
        key=lambda one: (str(one.path), one.line, one.column, one.code),
    )
    return CheckResult(tuple(findings), tuple(problems), len(modules))


def _findings(modules: Sequence[SourceModule], rules: Iterable[CheckRule]) -> Iterator[CheckFinding]:
    project = Project(modules)
    code = CheckedCode(project, find_request_functions(project))
    for rule in rules:
        for offence in rule.find(code):
            if not _is_suppressed(rule.code, offence.module, offence.node):
                yield finding_of(rule, offence)


def _is_suppressed(code: str, module: SourceModule, node: object) -> bool:
    """Return whether the line of *node* says to ignore *code*, or all codes."""
    lines = module.text.splitlines()
    numbers = {getattr(node, "lineno", 1), getattr(node, "end_lineno", 1)}
    for number in numbers:
        found = SUPPRESSION.search(lines[number - 1]) if number <= len(lines) else None
        if found is not None:
            codes = re.split(r"[,\s]+", (found["codes"] or "").upper())
            if not found["codes"] or code in codes:
                return True
    return False
