"""Writes a report as JSON."""

from __future__ import annotations

import msgspec

from bugsly_server.check.check_run import CheckReport
from bugsly_server.check.rule import CheckFinding, printable
from bugsly_server.check.rules import check_rules

VERSION = 1


def json_report(report: CheckReport) -> str:
    """Return *report* as JSON; docs/check.md says what is in it."""
    names = {rule.code: rule.name for rule in check_rules()}
    document = {
        "version": VERSION,
        "checked_files": report.checked_files,
        "known_findings": report.known_findings,
        "findings": [_finding(finding, names[finding.code]) for finding in report.findings],
        "unchecked": [problem._asdict() for problem in report.problems],
    }
    return msgspec.json.format(msgspec.json.encode(document)).decode()


def _finding(finding: CheckFinding, name: str) -> dict[str, object]:
    return {
        "code": finding.code,
        "name": name,
        "path": printable(finding.path.as_posix()),
        "line": finding.line,
        "column": finding.column,
        "end_line": finding.end_line,
        "message": finding.message,
        "fixable": finding.rewrite is not None,
    }
