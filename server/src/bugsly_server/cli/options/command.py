"""Describes a command: its name, its help, its arguments and the settings that it uses."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection
from typing import Any, NamedTuple

from bugsly_server.cli.options.setting_flags import add_setting_flags
from bugsly_server.settings import SETTINGS

ALL_SETTINGS = tuple(declared.name for declared in SETTINGS)


class Command(NamedTuple):
    """One command of `bugsly`."""

    name: str
    help: str
    main: Callable[[argparse.Namespace], int]
    """Runs it and returns its exit code."""
    add_arguments: Callable[[argparse.ArgumentParser], None] | None = None
    usage: str | None = None
    settings: Collection[str] | None = ALL_SETTINGS
    """Those it uses, which its help shows; it accepts the flags of all others too. None: none."""

    def add_parser(self, commands: argparse._SubParsersAction[Any]) -> None:
        """Add the parser of this command to *commands*."""
        parser = commands.add_parser(
            self.name,
            help=self.help,
            description=f"{self.help}.",
            usage=self.usage,
            allow_abbrev=False,
        )
        parser.set_defaults(run_command=self.main, command_parser=parser)
        if self.add_arguments is not None:
            self.add_arguments(parser)
        if self.settings is not None:
            add_setting_flags(parser, self.settings)
