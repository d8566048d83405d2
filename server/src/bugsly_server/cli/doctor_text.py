"""The report of a run, as a person reads it."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from bugsly_server.doctor.verdict import Report, Told, Until, Verdict
from bugsly_server.model.units import count, size

ERR = Console(stderr=True, highlight=False)
COLOURS = {
    Verdict.LEAK: "bold dark_orange",
    Verdict.WASTEFUL: "bold yellow",
    Verdict.NO_LEAK: "bold green",
    Verdict.INCONCLUSIVE: "bold",
}
DIFF = {"+": "green", "-": "red", "@": "bright_black"}


def show(report: Report, out: Console) -> None:
    """Print *report*."""
    head = Text(f"{report.verdict.value}", style=COLOURS[report.verdict])
    head.append(f": {report.reason}", style="not bold default")
    out.print(head)
    out.print(f"{count(report.requests)} requests in {report.seconds:.0f} s", style="bright_black")
    for one in report.workers:
        out.print(
            f"worker {one.pid}: {size(one.start_bytes)} → {size(one.end_bytes)} over"
            f" {count(one.requests)} requests",
            style="bright_black",
        )
    for note in report.notes:
        out.print(f"note: {note}", soft_wrap=True)
    for finding in report.findings:
        out.print()
        _show_finding(finding, out)
    if report.until is not None:
        out.print()
        _show_until(report.until, out)


def _show_finding(finding: Told, out: Console) -> None:
    style = "bold dark_orange" if finding.is_leak else "bold"
    out.print(Text(finding.title, style=style))
    facts = [
        ("cause", finding.cause if finding.is_leak else f"{finding.cause}, no leak"),
        ("holder", finding.holder),
        ("line", finding.site),
        ("endpoint", finding.endpoint),
        ("growth", f"{size(finding.bytes_per_request, signed=True)} per request"),
        ("sure", f"{finding.confidence:.0%}"),
    ]
    for name, value in facts:
        if value:
            out.print(Text(f"  {name:<9}", style="bright_black").append(value, style="default"))
    for text in (finding.explanation, finding.fix):
        if text:
            out.print(Padding(Text(text), (0, 2)))
    for line in finding.diff.splitlines():
        out.print(Text(f"    {line}", style=DIFF.get(line[:1], "")), soft_wrap=True)
    for fact in finding.evidence:
        out.print(Padding(Text(f"· {fact}", style="bright_black"), (0, 2)))


def _show_until(until: Until, out: Console) -> None:
    """Print what holds the leak down; the memory it reckons with is that of this machine."""
    if until.lines:
        out.print(Text("until it is mended, in gunicorn.conf.py", style="bold"))
    for line in until.lines:
        out.print(Text(f"    {line}"), soft_wrap=True)
    out.print(Padding(Text(f"· on this machine {until.because}", style="bright_black"), (0, 2)))
    if until.lines:
        cost = f"· it restarts {until.restarts_per_million:.3g} workers per million requests"
        out.print(Padding(Text(cost, style="bright_black"), (0, 2)))
