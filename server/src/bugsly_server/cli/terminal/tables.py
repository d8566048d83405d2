"""Draws the tables of workers and of issues."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.table import Table
from rich.text import Text

from bugsly_server.model import units

VERDICT_STYLES = {
    "growing": "bold dark_orange",
    "levelled": "yellow",
    "steady": "green",
    "early": "bright_black",
}
VERDICT_TEXTS = {"early": "too early", "levelled": "levelled off"}
PER_REQUESTS = 1_000


def workers_table(facts: Iterable[dict[str, Any]]) -> Table:
    """Return the table of `bugsly status`."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bright_black")
    table.add_column("worker")
    for name in ("memory", "per 1,000 req.", "requests", "req/s", "age"):
        table.add_column(name, justify="right")
    table.add_column("verdict")
    table.add_column("release")
    for worker in facts:
        verdict = worker["verdict"] if worker["alive"] else "silent"
        table.add_row(
            f"{worker['host']} {worker['pid']}",
            units.size(worker["memory"]),
            _growth_text(worker["growth"]),
            units.count(worker["requests"]),
            f"{worker['requests_per_second']:.1f}",
            units.duration(worker["age"]),
            Text(
                VERDICT_TEXTS.get(verdict, verdict),
                style=VERDICT_STYLES.get(verdict, "bright_black"),
            ),
            worker["release"] or "–",
        )
    return table


def issues_table(facts: Iterable[dict[str, Any]]) -> Table:
    """Return the table of `bugsly issues`."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bright_black")
    for name in ("issue", "state", "verdict", "what"):
        table.add_column(name, overflow="fold")
    for issue in facts:
        verdict, what = _error_cells(issue) if issue["kind"] == "error" else _leak_cells(issue)
        state = f"{issue['state']}, snoozed" if issue.get("snoozed") else issue["state"]
        table.add_row(f"#{issue['id']}", state, verdict, Text(what))
    return table


def _leak_cells(facts: dict[str, Any]) -> tuple[str, str]:
    return facts["verdict"], f"{facts['title']}. {facts['because']}."


def _error_cells(facts: dict[str, Any]) -> tuple[str, str]:
    location = f" ({facts['place']})" if facts["place"] else ""
    explanation = f". {facts['explanation']['what']}" if facts["explanation"] else ""
    times = f"{units.count(facts['count'])} times" if facts["count"] > 1 else "once"
    return f"error, {times}", f"{facts['title']}{location}{explanation}"


def _growth_text(growth: dict[str, Any] | None) -> str:
    if growth is None:
        return "–"
    if growth["per"] == "hour":
        return f"{units.size(growth['bytes'], signed=True)} / h"
    return units.size(growth["bytes"] * PER_REQUESTS, signed=True)
