"""Writes the fix of a leak as a unified diff against the user's own source."""

from __future__ import annotations

import ast
import difflib

from bugsly_server.explain.fixes.rewrites import close_connection, send_file, store_exception_text
from bugsly_server.explain.fixes.size_limits import bound_cache, bound_container
from bugsly_server.explain.fixes.source_edits import Fixer, SourceLines, split_lines
from bugsly_server.model.diagnosis import Cause, Diagnosis
from bugsly_server.model.leak_evidence import LeakEvidence

FIXERS: dict[Cause, Fixer] = {
    Cause.GROWING_CONTAINER: bound_container,
    Cause.UNBOUNDED_CACHE: bound_cache,
    Cause.UNRETURNED_CONNECTION: close_connection,
    Cause.BUFFERED_RESPONSE: send_file,
    Cause.KEPT_EXCEPTION: store_exception_text,
}


def fix_diff(diagnosis: Diagnosis, evidence: LeakEvidence) -> str | None:
    """Return a diff that fixes *diagnosis*; None if no rewrite is known for its pattern."""
    source = evidence.sources.get(diagnosis.location.file or "")
    if source is None or not source.text or source.edited or diagnosis.library:
        return None
    lines = split_lines(source.text)
    fixed = fixed_lines(lines, diagnosis)
    if fixed is None:
        return None
    name = (diagnosis.location.site or "").rpartition(":")[0] or source.file.rpartition("/")[2]
    diff = difflib.unified_diff(lines, fixed, f"a/{name}", f"b/{name}", lineterm="", n=2)
    return "\n".join(diff) or None


def fixed_lines(lines: SourceLines, diagnosis: Diagnosis) -> SourceLines | None:
    """Return *lines* with *diagnosis* fixed; None if no rewrite is known for its pattern."""
    fixer = FIXERS.get(diagnosis.cause)
    tree = _parsed(lines)
    fixed = None if fixer is None or tree is None else fixer(list(lines), tree, diagnosis)
    return None if fixed is None or _parsed(fixed) is None else fixed


def _parsed(lines: SourceLines) -> ast.Module | None:
    try:
        return ast.parse("\n".join(lines))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
