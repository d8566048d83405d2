"""`bugsly status`: the workers, as a table or as JSON."""

from __future__ import annotations

import argparse
import json

from bugsly_server.cli.data_source import read_facts
from bugsly_server.cli.terminal import STDOUT, workers_table


def main(parsed: argparse.Namespace) -> int:
    """Print them."""
    facts = read_facts(parsed, "workers")
    if parsed.json:
        print(json.dumps(facts, indent=2))  # noqa: T201 - data, not talk
        return 0
    for project, workers in facts.items():
        STDOUT.print(f"[bold]{project}[/]")
        STDOUT.print(workers_table(workers) if workers else "no worker is running")
    if not facts:
        STDOUT.print("There is no project yet: bugsly dsn NAME makes one.")
    return 0
