"""Writes the pages of docs/ that follow from the code: settings and the command line."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from bugsly.settings import SETTINGS as AGENT_SETTINGS
from bugsly_server.cli import build_parser
from bugsly_server.settings import SETTINGS as SERVER_SETTINGS

DOCS = Path(__file__).parents[1] / "docs"
HELP_WIDTH = 100


def settings_page() -> str:
    """Return docs/settings.md."""
    lines = ["# Settings", "", "Made by `make docs` from the code.", "", "## The server", ""]
    lines += ["Each is a flag of `bugsly serve`, `run` and `demo`, and a variable.", ""]
    lines += ["| flag | variable | default | what |", "|---|---|---|---|"]
    for server_setting in SERVER_SETTINGS:
        lines.append(
            f"| `{server_setting.flag}` | `{server_setting.variable}` | `{server_setting.default or ' '}` | {server_setting.help} |"
        )
    lines += ["", "## The agent", "", "Each is a variable, and an argument of `bugsly.init()`.", ""]
    lines += ["| argument | variable | default | what |", "|---|---|---|---|"]
    for agent_setting in AGENT_SETTINGS:
        lines.append(
            f"| `{agent_setting.name}` | `{agent_setting.variable}` | `{agent_setting.default or ' '}` | {agent_setting.help} |"
        )
    return "\n".join(lines) + "\n"


def cli_page() -> str:
    """Return docs/cli.md."""
    lines = ["# The command line", "", "Made by `make docs` from the code.", ""]
    os.environ["COLUMNS"] = str(HELP_WIDTH)
    root = build_parser()
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
