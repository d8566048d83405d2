"""Writes a report as annotations of GitHub Actions."""

from __future__ import annotations

from bugsly_server.check.check_run import CheckReport
from bugsly_server.check.rule import CheckFinding, printable


def github_report(report: CheckReport) -> str:
    """Return a workflow command for each finding, one a line."""
    return "\n".join(_annotation(finding) for finding in report.findings)


def _annotation(finding: CheckFinding) -> str:
    properties = {
        "title": f"Bugsly ({finding.code})",
        "file": printable(finding.path.as_posix()),
        "line": str(finding.line),
        "endLine": str(finding.end_line),
        "col": str(finding.column),
    }
    given = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::error {given}::{_data(f'{finding.code} {finding.message}')}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
