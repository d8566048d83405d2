"""Starts the agent inside the app's interpreter, for `bugsly run`.

The launcher puts `bugsly/inject` first on PYTHONPATH. Python imports the `sitecustomize` in it at
start, and that calls `install_import_hooks`. This also works when the app lives in another
environment than Bugsly, because the agent needs only the standard library.
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


def install_import_hooks() -> None:
    """Watch Gunicorn and Flask once this interpreter imports one of them.

    Any other Python that the app starts pays only for two entries in sys.meta_path.
    """
    from bugsly.guard import Guards
    from bugsly.integrations.import_hooks import when_imported

    guards = Guards()
    when_imported("gunicorn.arbiter", _auto_instrument, guards("autostart.gunicorn"))
    when_imported("flask.signals", _auto_instrument, guards("autostart.flask"))


def _auto_instrument(_module: ModuleType) -> None:
    from bugsly import bootstrap

    bootstrap.auto_instrument()


def environment_with_agent(environ: Mapping[str, str]) -> dict[str, str]:
    """Return *environ* with the agent ahead of everything else on PYTHONPATH."""
    from pathlib import Path

    inject = str(Path(__file__).with_name("inject"))
    existing = environ.get("PYTHONPATH")
    existing_paths = existing.split(os.pathsep) if existing else []
    paths = [inject, *(path for path in existing_paths if path != inject)]
    return {**environ, "PYTHONPATH": os.pathsep.join(paths)}


def find_program(command: Sequence[str]) -> str:
    """Return the program that *command* names, on PATH or else next to this interpreter.

    Raises `UnknownCommand`, which says what to do.
    """
    import shutil

    scripts_folder = os.path.dirname(sys.executable)  # noqa: PTH120 - see TYPE_CHECKING
    program = shutil.which(command[0]) or shutil.which(command[0], path=scripts_folder)
    if program is None:
        raise UnknownCommand(
            f"{command[0]}: no such program here → install it, or activate its environment"
        )
    return program
