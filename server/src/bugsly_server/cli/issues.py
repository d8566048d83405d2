"""`bugsly issues`: what is open, as a table or as JSON."""

from __future__ import annotations

import argparse
import json

from bugsly_server.cli.ask import ask
from bugsly_server.cli.terminal import OUT, issues_table


def act(parsed: argparse.Namespace) -> int:
    """Print them."""
    found = ask(parsed, "issues")
    if parsed.json:
        print(json.dumps(found, indent=2))  # noqa: T201 - data, not talk
        return 0
    for project, issues in found.items():
        OUT.print(f"[bold]{project}[/]")
        OUT.print(issues_table(issues) if issues else "no issue is open")
    if not found:
        OUT.print("There is no project yet: bugsly dsn NAME makes one.")
    return 0
