"""The commands of `bugsly`: which there are, what they take, and how one that fails says so."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from bugsly_server import __version__
from bugsly_server.cli import demo, dsn, issues, run, serve, status
from bugsly_server.cli.doctor import doctor_command
from bugsly_server.cli.heap import heap_command
from bugsly_server.errors import BugslyError
from bugsly_server.settings import SETTINGS

CommandHandler = Callable[[argparse.Namespace], int]


def main(argv: Sequence[str]) -> int:
    """Run one command and return its exit code: 2 for one that cannot be run, with one line why."""
    arguments, command = list(argv), []
    if "--" in arguments:
        cut = arguments.index("--")
        arguments, command = arguments[:cut], arguments[cut + 1 :]
    parsed = build_parser().parse_args(arguments)
    parsed.command = command
    try:
        return int(parsed.act(parsed))
    except BugslyError as error:
        sys.stderr.write(f"bugsly {parsed.verb}: {error}\n")
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def build_parser() -> argparse.ArgumentParser:
    """Return what reads the command line."""
    root = argparse.ArgumentParser(
        allow_abbrev=False,
        prog="bugsly",
        description="Error tracking for Flask that explains your bugs.",
    )
    root.add_argument("--version", action="version", version=f"bugsly {__version__}")
    verbs = root.add_subparsers(dest="verb", metavar="COMMAND", required=True)

    def add(
        name: str, handler: CommandHandler, help_: str, *, settings: bool = True
    ) -> argparse.ArgumentParser:
        verb = verbs.add_parser(name, help=help_, description=f"{help_}.", allow_abbrev=False)
        verb.set_defaults(act=handler)
        for setting in SETTINGS if settings else ():
            default = f" ({setting.variable}; {setting.default or 'none'})"
            verb.add_argument(setting.flag, metavar="VALUE", help=setting.help + default)
        return verb

    add("serve", serve.main, "Run the server")
    verb = add("run", run.main, "Run an app with the agent in it, and a server beside it")
    verb.usage = "bugsly run [options] -- gunicorn shop:app -w 4"
    verb = add("demo", demo.main, "Watch a small shop that leaks: four workers, traffic, an alert")
    verb.add_argument("--for", dest="length", metavar="TIME", help="End by itself, as after 90s")
    verb = add(
        "doctor", doctor_command.main, "Find the leaks of an app before production", settings=False
    )
    doctor_command.add_arguments(verb)
    heap_command.add_arguments(
        add("heap", heap_command.main, "Tell what keeps the memory of a worker or an app")
    )
    for name, act, help_ in (
        ("status", status.main, "List the workers"),
        ("issues", issues.main, "List the open issues with their verdicts"),
    ):
        verb = add(name, act, help_)
        verb.add_argument("--json", action="store_true", help="Print JSON")
        verb.add_argument("--project", metavar="NAME", help="Only this project")
        verb.add_argument("--url", help="Ask the server at this address (BUGSLY_URL, BUGSLY_TOKEN)")
    verb = add("dsn", dsn.main, "Print the DSN of a project, which is made if need be")
    verb.add_argument("project", nargs="?", default="app", metavar="PROJECT", help="Its name; app")
    return root
