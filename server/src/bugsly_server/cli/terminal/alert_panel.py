"""Draws the alert that `run` and `demo` print when an issue changes."""

from __future__ import annotations

from rich.panel import Panel
from rich.text import Text

from bugsly_server.alert.leak_message import IMPROVEMENTS, Alert
from bugsly_server.model.error_issue import AnyIssue
from bugsly_server.model.issue import IssueChange


def alert_panel(issue: AnyIssue, change: IssueChange, alert: Alert) -> Panel:
    """Return *alert* in a frame, green where *change* is an improvement."""
    body = Text(f"{alert.title}\n", style="bold")
    body.append("\n".join(alert.lines), style="not bold")
    body.append(f"\n{alert.url}", style="not bold underline")
    is_alarming = change.kind not in IMPROVEMENTS
    return Panel(
        body,
        title=f"issue {issue.id} {change.kind}",
        title_align="left",
        border_style="dark_orange" if is_alarming else "green",
    )
