"""Fixes all findings that can be fixed, file by file, and checks anew until none is left."""

from __future__ import annotations

import difflib
import io
import re
import tokenize
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from bugsly_server.check.check_run import CheckReport, Sources
from bugsly_server.check.finding_fix import fix
from bugsly_server.check.rule import CheckFinding
from bugsly_server.explain.fixes.source_edits import SourceLines, split_lines

MAX_ROUNDS = 10
"""Rounds of fixing: one fix may uncover another, but none comes back for ever."""
LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


def fix_sources(sources: Sources, check: Callable[[Sources], CheckReport]) -> Sources:
    """Return *sources* with all fixed that *check* finds and that can be fixed."""
    fixed = dict(sources)
    tried: set[tuple[Path, str, str]] = set()
    for _ in range(MAX_ROUNDS):
        by_file: dict[Path, list[CheckFinding]] = {}
        for finding in check(fixed).findings:
            if finding.rewrite is not None and _identity(finding) not in tried:
                by_file.setdefault(finding.path, []).append(finding)
        if not by_file:
            break
        for path, findings in by_file.items():
            fixed[path], handled = _fix_source(fixed[path], findings)
            tried |= {_identity(finding) for finding in handled}
    return fixed


def _identity(finding: CheckFinding) -> tuple[Path, str, str]:
    return finding.path, finding.code, finding.text


def _fix_source(
    source: bytes, findings: Iterable[CheckFinding]
) -> tuple[bytes, list[CheckFinding]]:
    """Return *source* with *findings* fixed, and those whose lines no other fix had changed."""
    encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
    text = source.decode(encoding)
    before = split_lines(text)
    lines, handled = before, []
    for finding in sorted(findings, key=lambda found: found.line, reverse=True):
        line = _moved(finding.line, before, lines)
        if line is not None:
            handled.append(finding)
            lines = fix(finding, line, lines) or lines
    return _with_endings(text, lines).encode(encoding), handled


def _moved(line: int, before: SourceLines, after: SourceLines) -> int | None:
    """Return where the *line* of *before* is in *after*; None where it was changed."""
    if before is after:
        return line
    for block in difflib.SequenceMatcher(None, before, after).get_matching_blocks():
        if block.a < line <= block.a + block.size:
            return line - block.a + block.b
    return None


def _with_endings(text: str, lines: SourceLines) -> str:
    """Return *lines* as one text with the line ends of *text*, its usual one for new lines."""
    old = LINE.findall(text)
    bare = [one.rstrip("\r\n") for one in old]
    ends = [one[len(name) :] for one, name in zip(old, bare, strict=True)]
    usual = max(Counter(filter(None, ends)).items(), key=lambda item: item[1], default=("\n", 0))[0]
    new_ends = [usual] * len(lines)
    for block in difflib.SequenceMatcher(None, bare, lines).get_matching_blocks():
        new_ends[block.b : block.b + block.size] = [
            end or usual for end in ends[block.a : block.a + block.size]
        ]
    if ends and not ends[-1]:
        new_ends[-1] = ""
    return "".join(f"{line}{end}" for line, end in zip(lines, new_ends, strict=True))


def source_diff(path: Path, before: bytes, after: bytes) -> str:
    """Return the unified diff between two sources of *path*."""
    encoding, _ = tokenize.detect_encoding(io.BytesIO(before).readline)
    name = path.as_posix()
    lines = difflib.unified_diff(
        split_lines(before.decode(encoding)),
        split_lines(after.decode(encoding)),
        f"a/{name}",
        f"b/{name}",
        lineterm="",
    )
    return "\n".join(lines)
