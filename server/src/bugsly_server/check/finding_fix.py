"""Fixes a finding as diagnosis fixes the leak that it would become."""

from __future__ import annotations

from bugsly_server.check.rule import CheckFinding, Rewrite
from bugsly_server.explain.fixes.fix_diff import fixed_lines
from bugsly_server.explain.fixes.source_edits import SourceLines
from bugsly_server.model.diagnosis import (
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
    if finding.rewrite is None:
        return None
    return fixed_lines(lines, _diagnosis(finding, finding.rewrite, line))


def _diagnosis(finding: CheckFinding, rewrite: Rewrite, line: int) -> Diagnosis:
    file = finding.path.absolute()
    module = file.parent.name if file.stem == "__init__" else file.stem
    holder = DiagnosedHolder(
        name=f"{module}.{rewrite.holder}",
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
        cause=rewrite.cause,
        is_leak=True,
        growth=DiagnosedGrowth(bytes_per_request=0, part=1, bytes=0),
        evidence=DiagnosisEvidence(confidence=1, reasons=(), falsifiers=(), worker_ids=()),
        holder=None if rewrite.holder is None else holder,
        location=SourceLocation(site=f"{file.name}:{line}", file=str(file)),
    )
