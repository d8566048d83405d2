"""What commands print: tables, alerts, addresses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from bugsly_server.alert.message import CALM, Alert
from bugsly_server.model import units
from bugsly_server.model.error import AnyIssue
from bugsly_server.model.issue import Change

OUT = Console(highlight=False)
COLOURS = {
    "growing": "bold dark_orange",
    "levelled": "yellow",
    "steady": "green",
    "early": "bright_black",
}
WORDS = {"early": "too early", "levelled": "levelled off"}
PER = 1_000


def workers_table(facts: Iterable[dict[str, Any]]) -> Table:
    """Return the table of `bugsly status`."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bright_black")
    table.add_column("worker")
    for name in ("memory", "per 1,000 req.", "requests", "req/s", "age"):
        table.add_column(name, justify="right")
    table.add_column("verdict")
    table.add_column("release")
    for one in facts:
        verdict = one["verdict"] if one["alive"] else "silent"
        table.add_row(
            f"{one['host']} {one['pid']}",
            units.size(one["memory"]),
            _growth(one["growth"]),
            units.count(one["requests"]),
            f"{one['requests_per_second']:.1f}",
            units.duration(one["age"]),
            Text(WORDS.get(verdict, verdict), style=COLOURS.get(verdict, "bright_black")),
            one["release"] or "–",
        )
    return table


def issues_table(facts: Iterable[dict[str, Any]]) -> Table:
    """Return the table of `bugsly issues`."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bright_black")
    for name in ("issue", "state", "verdict", "what"):
        table.add_column(name, overflow="fold")
    for one in facts:
        verdict, what = _error(one) if one["kind"] == "error" else _leak(one)
        state = f"{one['state']}, snoozed" if one.get("snoozed") else one["state"]
        table.add_row(f"#{one['id']}", state, verdict, Text(what))
    return table


def alert_panel(issue: AnyIssue, change: Change, alert: Alert) -> Panel:
    """Return what `run` and `demo` print when an issue changes."""
    body = Text(f"{alert.title}\n", style="bold")
    body.append("\n".join(alert.lines), style="not bold")
    body.append(f"\n{alert.url}", style="not bold underline")
    worse = change.kind not in CALM
    return Panel(
        body,
        title=f"issue {issue.id} {change.kind}",
        title_align="left",
        border_style="dark_orange" if worse else "green",
    )


def _leak(facts: dict[str, Any]) -> tuple[str, str]:
    return facts["verdict"], f"{facts['title']}. {facts['because']}."


def _error(facts: dict[str, Any]) -> tuple[str, str]:
    where = f" ({facts['place']})" if facts["place"] else ""
    why = f". {facts['explanation']['what']}" if facts["explanation"] else ""
    times = f"{units.count(facts['count'])} times" if facts["count"] > 1 else "once"
    return f"error, {times}", f"{facts['title']}{where}{why}"


def _growth(growth: dict[str, Any] | None) -> str:
    if growth is None:
        return "–"
    if growth["per"] == "hour":
        return f"{units.size(growth['bytes'], signed=True)} / h"
    return units.size(growth["bytes"] * PER, signed=True)
