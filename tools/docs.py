"""Writes the pages of docs/ that follow from the code: settings and the command line."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from bugsly.options import SETTINGS as AGENT
from bugsly_server.cli import parser
from bugsly_server.settings import SETTINGS as SERVER

DOCS = Path(__file__).parents[1] / "docs"
WIDTH = 100


def settings_page() -> str:
    """Return docs/settings.md."""
    lines = ["# Settings", "", "Made by `make docs` from the code.", "", "## The server", ""]
    lines += ["Each is a flag of `bugsly serve`, `run` and `demo`, and a variable.", ""]
    lines += ["| flag | variable | default | what |", "|---|---|---|---|"]
    for one in SERVER:
        lines.append(f"| `{one.flag}` | `{one.variable}` | `{one.default or ' '}` | {one.help} |")
    lines += ["", "## The agent", "", "Each is a variable, and an argument of `bugsly.init()`.", ""]
    lines += ["| argument | variable | default | what |", "|---|---|---|---|"]
    for other in AGENT:
        lines.append(
            f"| `{other.name}` | `{other.variable}` | `{other.default or ' '}` | {other.help} |"
        )
    return "\n".join(lines) + "\n"


def cli_page() -> str:
    """Return docs/cli.md."""
    lines = ["# The command line", "", "Made by `make docs` from the code.", ""]
    os.environ["COLUMNS"] = str(WIDTH)
    root = parser()
    lines += ["```", root.format_help().rstrip(), "```", ""]
    for action in root._actions:  # noqa: SLF001 - argparse has no public way to its subcommands
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - see above
            for name, verb in action.choices.items():
                lines += [f"## bugsly {name}", "", "```", verb.format_help().rstrip(), "```", ""]
    return "\n".join(lines)


PAGES = {"settings.md": settings_page, "cli.md": cli_page}


def main() -> int:
    """Write the pages."""
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
