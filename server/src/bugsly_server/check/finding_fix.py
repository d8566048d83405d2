"""Fixes a finding as diagnosis fixes the leak that it would become."""

from __future__ import annotations

from bugsly_server.check.rule import CheckFinding
from bugsly_server.explain.fixes.fix_diff import fixed_lines
from bugsly_server.explain.fixes.source_edits import SourceLines
from bugsly_server.model.diagnosis import (
    Cause,
    DiagnosedGrowth,
    DiagnosedHolder,
    Diagnosis,
    DiagnosisEvidence,
    SourceLocation,
)


def has_fix(finding: CheckFinding, lines: SourceLines) -> bool:
    """Return whether *finding*, in a file with *lines*, can be fixed safely."""
    return fix(finding, finding.line, lines) is not None


def fix(finding: CheckFinding, line: int, lines: SourceLines) -> SourceLines | None:
    """Return *lines* with *finding*, now at *line*, fixed; None where no fix is safe."""
    rewrite = finding.rewrite
    if rewrite is None:
        return None
    if rewrite.cause is None:
        return [*lines, *rewrite.added_lines]
    return fixed_lines(lines, _diagnosis(finding, rewrite.cause, line))


def _diagnosis(finding: CheckFinding, cause: Cause, line: int) -> Diagnosis:
    """Return *finding* as the diagnosis of a leak by *cause*."""
    file = finding.path.absolute()
    module = file.parent.name if file.stem == "__init__" else file.stem
    bounded = None if finding.rewrite is None else finding.rewrite.holder
    holder = DiagnosedHolder(
        name=f"{module}.{bounded}",
        kind=None,
        library=None,
        entries=0,
        entries_per_request=0,
        bound_bytes=None,
        symptom=None,
        removes_entries=False,
        has_unique_keys=False,
    )
    return Diagnosis(
        cause=cause,
        is_leak=True,
        growth=DiagnosedGrowth(bytes_per_request=0, part=1, bytes=0),
        evidence=DiagnosisEvidence(confidence=1, reasons=(), falsifiers=(), worker_ids=()),
        holder=None if bounded is None else holder,
        location=SourceLocation(site=f"{file.name}:{line}", file=str(file)),
    )
