"""Checks source files: reads them, finds what runs per request, and asks every rule."""

from __future__ import annotations

import gc
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bugsly_server.check.finding_fix import has_fix
from bugsly_server.check.per_request import find_request_functions
from bugsly_server.check.project import SourceProject
from bugsly_server.check.rule import CheckedCode, CheckFinding, CheckRule, finding_of, printable
from bugsly_server.check.source_files import read_sources
from bugsly_server.check.source_module import SourceModule
from bugsly_server.check.source_reader import read_module
from bugsly_server.check.suppressions import ALL_CODES, is_suppressed, read_suppressions
from bugsly_server.check.unchecked import UncheckedPath, UnreadableSource

RECURSION_LIMIT = 10_000
"""Enough to follow names through the deepest trees that are read."""
MAX_FIXES_PER_FILE = 30
"""Findings of a file whose fix is tried out at a time: each parses the file anew."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a run found."""

    findings: tuple[CheckFinding, ...]
    """By file and line."""
    problems: tuple[UncheckedPath, ...]
    checked_files: int
    notes: tuple[str, ...] = ()
    """Lines about comments that ignore no rule there is."""


def check_files(paths: Iterable[Path], rules: Iterable[CheckRule]) -> CheckResult:
    """Return what *rules* find in the files *paths*."""
    sources, unread = read_sources(paths)
    result = check_sources(sources, rules)
    return replace(result, problems=(*unread, *result.problems))


def check_sources(sources: Mapping[Path, bytes], rules: Iterable[CheckRule]) -> CheckResult:
    """Return what *rules* find in *sources*, the contents of files."""
    with _interpreter_for_trees():
        return _check(sources, tuple(rules))


def _check(sources: Mapping[Path, bytes], rules: Sequence[CheckRule]) -> CheckResult:
    modules: list[SourceModule] = []
    problems = []
    for path, source in sources.items():
        try:
            modules.append(read_module(path, source))
        except UnreadableSource as problem:
            problems.append(UncheckedPath(printable(str(path)), problem.reason, problem.advice))
    suppressed = {module.path: read_suppressions(module.text) for module in modules}
    findings = sorted(set(_findings(modules, rules, suppressed)), key=_place)
    notes = _unknown_codes(suppressed, {rule.code for rule in rules})
    return CheckResult(tuple(findings), tuple(problems), len(modules), tuple(notes))


def _place(finding: CheckFinding) -> tuple[Path, int, int, str]:
    return finding.path, finding.line, finding.column, finding.code


@contextmanager
def _interpreter_for_trees() -> Iterator[None]:
    """Let trees be walked to their depth, and spare the collector from walking them too."""
    limit, is_collecting = sys.getrecursionlimit(), gc.isenabled()
    sys.setrecursionlimit(max(limit, RECURSION_LIMIT))
    gc.disable()
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)
        if is_collecting:
            gc.enable()


def _findings(
    modules: Sequence[SourceModule],
    rules: Iterable[CheckRule],
    suppressed: Mapping[Path, Mapping[int, frozenset[str]]],
) -> Iterator[CheckFinding]:
    tried = Counter[Path]()
    project = SourceProject(modules)
    code = CheckedCode(project, find_request_functions(project))
    for rule in rules:
        for offence in rule.find(code):
            finding = finding_of(rule, offence)
            lines = (finding.line, finding.end_line)
            if is_suppressed(rule.code, lines, suppressed[finding.path]):
                continue
            tried[finding.path] += finding.rewrite is not None
            is_fixable = tried[finding.path] <= MAX_FIXES_PER_FILE and has_fix(
                finding, offence.module.lines
            )
            yield finding if is_fixable else replace(finding, rewrite=None)


def _unknown_codes(
    suppressed: Mapping[Path, Mapping[int, frozenset[str]]], known: set[str]
) -> Iterator[str]:
    for path, comments in suppressed.items():
        for line, codes in comments.items():
            for code in sorted(codes - known - ALL_CODES):
                yield printable(
                    f"{path}:{line}: the comment ignores {code}, and no rule has this code"
                    " → see bugsly check --explain"
                )
