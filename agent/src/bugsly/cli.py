"""The `bugsly` command: the server runs most of it, and `run` with a DSN needs the agent alone."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

from bugsly.autostart import UnknownCommand, environment_with_agent, find_program

if TYPE_CHECKING:
    from collections.abc import Sequence

USAGE = """\
usage: bugsly run -- COMMAND …

Runs COMMAND, such as gunicorn shop:app, with the agent in it, which reports to BUGSLY_DSN.
serve, demo, check, doctor, heap, status, issues, dsn, and run without BUGSLY_DSN need the server
→ pip install 'bugsly[server]'
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 2 if it cannot run, with one line that says why."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if _runs_with_dsn(arguments):
        return _replace_process(arguments[arguments.index("--") + 1 :])
    if find_spec("bugsly_server") is not None:
        from bugsly_server.cli import main as server_main

        return int(server_main(arguments))
    if arguments[:1] in ([], ["--help"], ["-h"]):
        sys.stdout.write(USAGE)
        return 0
    if arguments == ["--version"]:
        from bugsly.version import __version__

        sys.stdout.write(f"bugsly {__version__}\n")
        return 0
    sys.stderr.write(f"bugsly {arguments[0]}: {_explain_missing(arguments)}\n")
    return 2


def _explain_missing(arguments: Sequence[str]) -> str:
    """Return why the agent alone cannot do what *arguments* say, and what to do."""
    if arguments[0] != "run":
        return "the server is not installed → pip install 'bugsly[server]'"
    if not os.environ.get("BUGSLY_DSN"):
        return "BUGSLY_DSN is not set → set it, or pip install 'bugsly[server]' for a local server"
    return "no command follows -- → write bugsly run -- gunicorn shop:app"


def _runs_with_dsn(arguments: Sequence[str]) -> bool:
    return (
        arguments[:2] == ["run", "--"] and len(arguments) > 2 and bool(os.environ.get("BUGSLY_DSN"))
    )


def _replace_process(command: Sequence[str]) -> int:
    """Become *command*, so that it gets signals directly and its exit code is ours.

    Returns only if that fails: 127 for a program that is not found, 126 for one that cannot run.
    """
    try:
        program = find_program(command)
        os.execve(program, list(command), environment_with_agent(os.environ))  # noqa: S606 - as the user asked
    except UnknownCommand as error:
        sys.stderr.write(f"bugsly run: {error}\n")
        return 127
    except OSError as error:
        fact = f"{command[0]}: {error.strerror}"
        sys.stderr.write(f"bugsly run: {fact} → check that it is a program\n")
        return 126
