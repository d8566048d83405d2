"""The commands of `bugsly`: a table of them, and how one runs and fails."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from bugsly_server import __version__
from bugsly_server.cli import demo, dsn, listing, run, serve, user
from bugsly_server.cli.doctor import command as doctor
from bugsly_server.cli.heap import command as heap
from bugsly_server.errors import BugslyError

COMMANDS = (
    serve.COMMAND,
    run.COMMAND,
    demo.COMMAND,
    doctor.COMMAND,
    heap.COMMAND,
    listing.STATUS,
    listing.ISSUES,
    dsn.COMMAND,
    user.COMMAND,
)


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


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line, with one parser below it for each command."""
    root = argparse.ArgumentParser(
        allow_abbrev=False,
        prog="bugsly",
        description="Error tracking for Flask that explains your bugs.",
        epilog="Options of a command: bugsly COMMAND --help",
    )
    root.add_argument("--version", action="version", version=f"bugsly {__version__}")
    commands = root.add_subparsers(dest="verb", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_parser(commands)
    return root


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    """Return the parsed options; `command` holds what follows the first `--`."""
    options, command = list(argv), []
    if "--" in options:
        cut = options.index("--")
        options, command = options[:cut], options[cut + 1 :]
    parsed, unknown = build_parser().parse_known_args(options)
    if unknown:
        parsed.command_parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    parsed.command = command
    return parsed
