"""Writes the pages of docs/ that follow from the code: settings, commands, rules of the check."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from bugsly.setting_fields import Setting
from bugsly.settings import SETTINGS as AGENT_SETTINGS
from bugsly_server.check.rule import CheckRule
from bugsly_server.check.rule_page import rule_page
from bugsly_server.check.rules import check_rules
from bugsly_server.cli import build_parser
from bugsly_server.settings import SETTINGS as SERVER_SETTINGS

DOCS = Path(__file__).parents[1] / "docs"
HELP_WIDTH = 100


def settings_page() -> str:
    """Return docs/settings.md."""
    server = [(declared.flag, declared) for declared in SERVER_SETTINGS]
    agent = [(declared.name, declared) for declared in AGENT_SETTINGS]
    lines = ["# Settings", "", "Made by `make docs` from the code.", ""]
    lines += ["## The server", "", "Each is a variable, and a flag of the commands that use it"]
    lines += ["([the command line](cli.md)).", "", *_settings_table("flag", server), ""]
    lines += ["## The agent", "", "Each is a variable, and an argument of `bugsly.init()`.", ""]
    return "\n".join([*lines, *_settings_table("argument", agent), ""])


def _settings_table(head: str, settings: Sequence[tuple[str, Setting]]) -> list[str]:
    """Return a table of *settings*, each with what its column *head* names it."""
    lines = [f"| {head} | variable | default | values | meaning |", "|---|---|---|---|---|"]
    for name, declared in settings:
        default = f"`{declared.default}`" if declared.default else ""
        cells = (f"`{name}`", f"`{declared.variable}`", default, declared.values, declared.help)
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def cli_page() -> str:
    """Return docs/cli.md."""
    lines = ["# The command line", "", "Made by `make docs` from the code.", ""]
    os.environ["COLUMNS"] = str(HELP_WIDTH)
    root = build_parser()
    lines += ["```", root.format_help().rstrip(), "```", ""]
    for action in root._actions:  # noqa: SLF001 - argparse has no public way to its subcommands
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - see above
            for name, command in action.choices.items():
                lines += [f"## bugsly {name}", "", "```", command.format_help().rstrip(), "```", ""]
    return "\n".join(lines)


def _rule_page(rule: CheckRule) -> str:
    return rule_page(rule).rstrip("\n") + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "cli.md": cli_page,
    **{f"check/{rule.code}.md": partial(_rule_page, rule) for rule in check_rules()},
}


def main() -> int:
    """Write the pages."""
    (DOCS / "check").mkdir(exist_ok=True)
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
