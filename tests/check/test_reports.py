"""Reports for programs hold what their readers need, whatever is in paths and messages."""

import json
from pathlib import Path
from typing import Any

import pytest

from bugsly_server.check.check_run import CheckReport
from bugsly_server.check.reports.github_report import github_report
from bugsly_server.check.reports.json_report import json_report
from bugsly_server.check.reports.sarif_report import sarif_report
from bugsly_server.check.rule import CheckFinding, Rewrite
from bugsly_server.check.rules import check_rules
from bugsly_server.check.unchecked import UncheckedPath
from bugsly_server.cli.check.report_formats import summary
from bugsly_server.model.diagnosis import Cause


def finding(path: str = "shop/views.py", message: str = "`log` grows: 50 %") -> CheckFinding:
    return CheckFinding(
        code="BG101",
        path=Path(path),
        line=12,
        column=5,
        end_line=14,
        text="log.append(1)",
        message=message,
        rewrite=Rewrite(Cause.GROWING_CONTAINER, "log"),
    )


def report(*findings: CheckFinding, known: int = 0, problems: int = 0) -> CheckReport:
    unchecked = UncheckedPath("old.py", "line 1: invalid syntax", "correct it")
    return CheckReport(findings, known, 7, (unchecked,) * problems)


def test_json_names_rule_place_and_whether_there_is_a_fix() -> None:
    document = json.loads(json_report(report(finding(), problems=1, known=2)))
    assert document == {
        "version": 1,
        "checked_files": 7,
        "known_findings": 2,
        "findings": [
            {
                "code": "BG101",
                "name": "growing-container",
                "path": "shop/views.py",
                "line": 12,
                "column": 5,
                "end_line": 14,
                "message": "`log` grows: 50 %",
                "fixable": True,
            }
        ],
        "unchecked": [
            {"path": "old.py", "reason": "line 1: invalid syntax", "advice": "correct it"}
        ],
    }


def test_an_annotation_escapes_what_would_end_it() -> None:
    annotated = github_report(report(finding("a,b:c.py", "50 %\nand more")))
    assert annotated == (
        "::error title=Bugsly (BG101),file=a%2Cb%3Ac.py,line=12,endLine=14,col=5"
        "::BG101 50 %25%0Aand more"
    )


def test_every_finding_is_an_annotation_of_its_own() -> None:
    lines = github_report(report(finding(), finding("b.py"))).split("\n")
    assert [line.startswith("::error title=Bugsly") for line in lines] == [True, True]
    assert github_report(report()) == ""


def test_sarif_has_what_the_standard_requires() -> None:
    document = json.loads(sarif_report(report(finding("a b/ü.py"), problems=1)))
    assert document["version"] == "2.1.0"
    (run,) = document["runs"]
    rules: list[dict[str, Any]] = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [rule.code for rule in check_rules()]
    assert all(rule["shortDescription"]["text"] and rule["help"]["markdown"] for rule in rules)
    (result,) = run["results"]
    assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == "BG101"
    assert result["message"]["text"] == "`log` grows: 50 %"
    (location,) = result["locations"]
    artifact = location["physicalLocation"]["artifactLocation"]
    assert artifact == {"uri": "a%20b/%C3%BC.py", "uriBaseId": "%SRCROOT%"}
    region = location["physicalLocation"]["region"]
    assert (region["startLine"], region["startColumn"], region["endLine"]) == (12, 5, 14)
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is True
    assert "old.py" in invocation["toolExecutionNotifications"][0]["message"]["text"]


def test_a_name_that_is_not_utf8_breaks_no_report() -> None:
    odd = report(finding("caf\udce9.py"))
    for text in (json_report(odd), github_report(odd), sarif_report(odd)):
        assert text.encode()
        assert "caf" in text


@pytest.mark.parametrize(
    ("made", "line"),
    [
        (report(), "no findings in 7 files"),
        (report(finding()), "1 finding in 7 files, 1 fixable with --fix [*]"),
        (report(known=3), "no findings in 7 files, 3 more in the baseline"),
        (report(problems=1), "no findings in 7 files, 1 path not checked"),
        (report(problems=2), "no findings in 7 files, 2 paths not checked"),
    ],
)
def test_the_last_line_counts(made: CheckReport, line: str) -> None:
    assert summary(made) == line
