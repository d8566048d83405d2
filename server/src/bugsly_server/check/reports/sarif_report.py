"""Writes a report as SARIF 2.1.0, which code scanning services read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from bugsly_server import __version__
from bugsly_server.check.check_run import CheckReport
from bugsly_server.check.rule import CheckFinding, CheckRule
from bugsly_server.check.rule_page import rule_page
from bugsly_server.check.rules import check_rules
from bugsly_server.check.unchecked import UncheckedPath

VERSION = "2.1.0"
SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif_report(report: CheckReport) -> str:
    """Return *report* as SARIF: one run, with the pages of all rules."""
    rules = check_rules()
    run = {
        "tool": {
            "driver": {
                "name": "bugsly",
                "version": __version__,
                "rules": [_rule(rule) for rule in rules],
            }
        },
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": [_notification(one) for one in report.problems],
            }
        ],
        "results": [_result(finding, rules) for finding in report.findings],
    }
    document = {"$schema": SCHEMA, "version": VERSION, "runs": [run]}
    return msgspec.json.format(msgspec.json.encode(document)).decode()


def _rule(rule: CheckRule) -> dict[str, Any]:
    return {
        "id": rule.code,
        "name": rule.name,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.why},
        "help": {"text": rule_page(rule), "markdown": rule_page(rule)},
        "defaultConfiguration": {"level": "warning"},
    }


def _result(finding: CheckFinding, rules: Sequence[CheckRule]) -> dict[str, Any]:
    region = {
        "startLine": finding.line,
        "startColumn": finding.column,
        "endLine": finding.end_line,
        "snippet": {"text": finding.text},
    }
    artifact = {"uri": quote(bytes(finding.path)), "uriBaseId": "%SRCROOT%"}
    if finding.path.is_absolute():
        artifact = {"uri": finding.path.as_uri()}
    return {
        "ruleId": finding.code,
        "ruleIndex": [rule.code for rule in rules].index(finding.code),
        "level": "warning",
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": {"artifactLocation": artifact, "region": region}}],
    }


def _notification(problem: UncheckedPath) -> dict[str, Any]:
    return {"level": "warning", "message": {"text": str(problem)}}
