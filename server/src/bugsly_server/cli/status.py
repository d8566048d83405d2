"""`bugsly status`: the workers, as a table or as JSON."""

from __future__ import annotations

import argparse
import json

from bugsly_server.cli.ask import ask
from bugsly_server.cli.terminal import OUT, workers_table


def act(parsed: argparse.Namespace) -> int:
    """Print them."""
    found = ask(parsed, "workers")
    if parsed.json:
        print(json.dumps(found, indent=2))  # noqa: T201 - data, not talk
        return 0
    for project, workers in found.items():
        OUT.print(f"[bold]{project}[/]")
        OUT.print(workers_table(workers) if workers else "no worker is running")
    if not found:
        OUT.print("There is no project yet: bugsly dsn NAME makes one.")
    return 0
