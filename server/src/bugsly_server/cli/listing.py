"""`bugsly status` and `bugsly issues`: workers and open issues of each project."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from functools import partial
from typing import Any

from rich.table import Table

from bugsly_server.cli.data_source import add_source_arguments, read_facts
from bugsly_server.cli.options.command import Command
from bugsly_server.cli.terminal.console import STDOUT, print_data
from bugsly_server.cli.terminal.tables import issues_table, workers_table

TableMaker = Callable[[list[dict[str, Any]]], Table]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Let *parser* take what both commands take."""
    parser.add_argument("--json", action="store_true", help="Print JSON")
    add_source_arguments(parser, project_help="List this project only")


def _print_listing(
    parsed: argparse.Namespace, *, kind: str, make_table: TableMaker, if_empty: str
) -> int:
    """Print the facts of *kind*, a table for each project or JSON; return 0."""
    facts = read_facts(parsed, kind)
    if parsed.json:
        print_data(json.dumps(facts, indent=2))
        return 0
    for project, listed in facts.items():
        STDOUT.print(f"[bold]{project}[/]")
        STDOUT.print(make_table(listed) if listed else if_empty)
    if not facts:
        STDOUT.print("There is no project yet. Create one with: bugsly dsn NAME")
    return 0


STATUS = Command(
    "status",
    "List the running workers and what their memory does",
    partial(
        _print_listing, kind="workers", make_table=workers_table, if_empty="no worker is running"
    ),
    add_arguments,
    settings=("data_dir",),
)
ISSUES = Command(
    "issues",
    "List the open issues",
    partial(_print_listing, kind="issues", make_table=issues_table, if_empty="no issue is open"),
    add_arguments,
    settings=("data_dir",),
)
