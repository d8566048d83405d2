"""Prints a report: for people, or as one of the formats for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

from rich.console import Console
from rich.text import Text

from bugsly_server.check.check_run import CheckReport
from bugsly_server.check.reports.github_report import github_report
from bugsly_server.check.reports.json_report import json_report
from bugsly_server.check.reports.sarif_report import sarif_report
from bugsly_server.check.rule import CheckFinding, printable
from bugsly_server.check.rules import check_rules
from bugsly_server.cli.terminal.console import STDERR, STDOUT, print_data

DIFF_STYLES = {"+": "green", "-": "red", "@": "bright_black"}


def _print_text(report: CheckReport) -> None:
    for finding in report.findings:
        STDOUT.print(_finding_text(finding), soft_wrap=True)
    STDOUT.print(Text(summary(report), style="bold"), soft_wrap=True)


def _print_annotations(report: CheckReport) -> None:
    if report.findings:
        print_data(github_report(report))
    STDERR.print(summary(report), markup=False, soft_wrap=True)


FORMATS: Mapping[str, Callable[[CheckReport], None]] = {
    "text": _print_text,
    "json": lambda report: print_data(json_report(report)),
    "sarif": lambda report: print_data(sarif_report(report)),
    "github": _print_annotations,
}


def _finding_text(finding: CheckFinding) -> Text:
    text = Text(printable(str(finding.path)), style="bold")
    text.append(f":{finding.line}:{finding.column}: ", style="not bold bright_black")
    text.append(finding.code, style="dark_orange")
    text.append(" [*]" if finding.rewrite is not None else "", style="not bold cyan")
    text.append(f" {finding.message}", style="not bold")
    return text


def summary(report: CheckReport) -> str:
    """Return the last line: `3 findings in 12 files, 1 fixable with --fix`."""
    facts = [f"{_count(len(report.findings), 'finding')} in {_count(report.checked_files, 'file')}"]
    if report.fixable:
        facts.append(f"{report.fixable} fixable with --fix [*]")
    if report.known_findings:
        facts.append(f"{report.known_findings} more in the baseline")
    if report.problems:
        facts.append(f"{_count(len(report.problems), 'path')} not checked")
    return ", ".join(facts)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number or 'no'} {noun}s"


def print_statistics(report: CheckReport, out: Console) -> None:
    """Print how many findings each rule has, most first."""
    names = {rule.code: rule.name for rule in check_rules()}
    for code, number in Counter(finding.code for finding in report.findings).most_common():
        out.print(f"{number:>6}  {code}  {names[code]}", markup=False, soft_wrap=True)
    out.print(Text(summary(report), style="bold"), soft_wrap=True)


def print_diff(diff: str, out: Console) -> None:
    """Print a unified diff, as it is unless a person reads it."""
    if not out.is_terminal:
        print_data(diff)
        return
    for line in diff.split("\n"):
        out.print(Text(line, style=DIFF_STYLES.get(line[:1], "")), soft_wrap=True)
