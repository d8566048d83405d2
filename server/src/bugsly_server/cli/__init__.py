"""The commands of `bugsly`: a table of them, and how one runs and fails."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module

from bugsly_server import __version__
from bugsly_server.cli.options.command import Command
from bugsly_server.errors import BugslyError

COMMAND_PLACES = {
    "serve": ("serve", "COMMAND"),
    "run": ("run", "COMMAND"),
    "demo": ("demo", "COMMAND"),
    "check": ("check.command", "COMMAND"),
    "doctor": ("doctor.command", "COMMAND"),
    "heap": ("heap.command", "COMMAND"),
    "status": ("listing", "STATUS"),
    "issues": ("listing", "ISSUES"),
    "dsn": ("dsn", "COMMAND"),
    "user": ("user", "COMMAND"),
    "erase-user": ("erase_user", "COMMAND"),
}
"""The module of each command and its name there: `check` starts without importing the server."""


def main(argv: Sequence[str]) -> int:
    """Run one command and return its exit code: 2 if it cannot run, with one line that says why."""
    if not argv:
        build_parser().print_help(sys.stderr)
        return 2
    parsed = _parse(argv)
    try:
        return int(parsed.run_command(parsed))
    except BugslyError as error:
        sys.stderr.write(f"bugsly {parsed.verb}: {error}\n")
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def load_commands(names: Iterable[str] = COMMAND_PLACES) -> list[Command]:
    """Return the commands called *names*."""
    places = (COMMAND_PLACES[name] for name in names)
    return [
        getattr(import_module(f"{__name__}.{module}"), attribute) for module, attribute in places
    ]


def build_parser(commands: Sequence[Command] | None = None) -> argparse.ArgumentParser:
    """Return the parser of the command line, with one parser below it for each of *commands*."""
    root = argparse.ArgumentParser(
        allow_abbrev=False,
        prog="bugsly",
        description="Error tracking for Flask that explains your bugs.",
        epilog="Options of a command: bugsly COMMAND --help",
    )
    root.add_argument("--version", action="version", version=f"bugsly {__version__}")
    parsers = root.add_subparsers(dest="verb", metavar="COMMAND", required=True)
    for command in load_commands() if commands is None else commands:
        command.add_parser(parsers)
    return root


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    """Return the parsed options; `command` holds what follows the first `--`."""
    options, command = list(argv), []
    if "--" in options:
        cut = options.index("--")
        options, command = options[:cut], options[cut + 1 :]
    known = load_commands(argv[:1]) if argv[0] in COMMAND_PLACES else None
    parsed, unknown = build_parser(known).parse_known_args(options)
    if unknown:
        parsed.command_parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    parsed.command = command
    return parsed
