"""What `bugsly run` makes happen inside the app's interpreter, and how it gets there.

The launcher puts `bugsly/inject` first on PYTHONPATH. Python imports the `sitecustomize` it finds
there at start, and that calls `begin`. The same works when the app lives in another environment
than Bugsly, because the agent needs nothing but the standard library.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # type checkers know the name; importing typing costs 5 ms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import ModuleType


class UnknownCommand(LookupError):
    """The command to run is not on PATH."""


def begin() -> None:
    """Watch Gunicorn and Flask once this interpreter imports one of them.

    Any other Python that the app starts pays for two entries in sys.meta_path, and no more.
    """
    from bugsly.guard import Guards
    from bugsly.integrations.imports import when_imported

    guards = Guards()
    when_imported("gunicorn.arbiter", _watch, guards("autostart.gunicorn"))
    when_imported("flask.signals", _watch, guards("autostart.flask"))


def _watch(_module: ModuleType) -> None:
    from bugsly import agent

    agent.watch_everything()


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return *environ* with the agent ahead of everything else on PYTHONPATH."""
    from pathlib import Path

    inject = str(Path(__file__).with_name("inject"))
    theirs = environ.get("PYTHONPATH")
    others = theirs.split(os.pathsep) if theirs else []
    paths = [inject, *(path for path in others if path != inject)]
    return {**environ, "PYTHONPATH": os.pathsep.join(paths)}


def locate(command: Sequence[str]) -> str:
    """Return the program that *command* names, on PATH or else beside this interpreter.

    Raises `UnknownCommand` with what to do.
    """
    import shutil

    beside = os.path.dirname(sys.executable)  # noqa: PTH120 - see TYPE_CHECKING
    program = shutil.which(command[0]) or shutil.which(command[0], path=beside)
    if program is None:
        raise UnknownCommand(
            f"{command[0]}: no such program here → install it, or activate its environment"
        )
    return program
