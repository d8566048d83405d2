"""Prints the report of a run for a person to read."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from bugsly_server.cli.terminal.console import print_indented
from bugsly_server.doctor.run_verdict import (
    DoctorReport,
    DoctorVerdict,
    LeakStopgap,
    ReportedDiagnosis,
)
from bugsly_server.model.units import count, size

VERDICT_STYLES = {
    DoctorVerdict.LEAK: "bold dark_orange",
    DoctorVerdict.WASTEFUL: "bold yellow",
    DoctorVerdict.NO_LEAK: "bold green",
    DoctorVerdict.INCONCLUSIVE: "bold",
}
DIFF_STYLES = {"+": "green", "-": "red", "@": "bright_black"}


def print_report(report: DoctorReport, out: Console) -> None:
    """Print *report* to *out*."""
    head = Text(f"{report.verdict.value}", style=VERDICT_STYLES[report.verdict])
    head.append(f": {report.reason}", style="not bold default")
    out.print(head)
    out.print(f"{count(report.requests)} requests in {report.seconds:.0f} s", style="bright_black")
    for worker in report.workers:
        out.print(
            f"worker {worker.pid}: {size(worker.start_bytes)} → {size(worker.end_bytes)} over"
            f" {count(worker.requests)} requests",
            style="bright_black",
        )
    for note in report.notes:
        out.print(f"note: {note}", soft_wrap=True)
    for finding in report.findings:
        out.print()
        _print_finding(finding, out)
    if report.until is not None:
        out.print()
        _print_until(report.until, out)


def _print_finding(finding: ReportedDiagnosis, out: Console) -> None:
    style = "bold dark_orange" if finding.is_leak else "bold"
    out.print(Text(finding.title, style=style))
    facts = [
        ("cause", finding.cause if finding.is_leak else f"{finding.cause}, no leak"),
        ("holder", finding.holder),
        ("line", finding.site),
        ("endpoint", finding.endpoint),
        ("growth", f"{size(finding.bytes_per_request, signed=True)} per request"),
        ("confidence", f"{finding.confidence:.0%}"),
    ]
    for name, value in facts:
        if value:
            out.print(Text(f"  {name:<11}", style="bright_black").append(value, style="default"))
    for text in (finding.explanation, finding.fix):
        if text:
            print_indented(text, out)
    for line in finding.diff.splitlines():
        out.print(Text(f"    {line}", style=DIFF_STYLES.get(line[:1], "")), soft_wrap=True)
    for fact in finding.evidence:
        print_indented(f"· {fact}", out, style="bright_black")


def _print_until(until: LeakStopgap, out: Console) -> None:
    """Print the Gunicorn settings that contain the leak, computed for this machine."""
    if until.lines:
        out.print(Text("until it is fixed, set in gunicorn.conf.py", style="bold"))
    for line in until.lines:
        out.print(Text(f"    {line}"), soft_wrap=True)
    print_indented(f"· on this machine {until.because}", out, style="bright_black")
    if until.lines:
        cost = f"· this restarts {until.restarts_per_million:.3g} workers per million requests"
        print_indented(cost, out, style="bright_black")
