"""Builds the command line and the environment of Gunicorn, for `doctor` and `heap`."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bugsly_server.errors import Misconfigured

DEFAULT_WORKERS = "2"
SAMPLE_SECONDS = "0.5"


@dataclass(frozen=True, slots=True, kw_only=True)
class GunicornOptions:
    """The user's own arguments for Gunicorn."""

    arguments: tuple[str, ...]
    import_folder: Path
    """The folder in which Gunicorn imports the app."""
    sets_workers: bool
    """Whether the user chose the number of workers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GunicornCommand:
    """How to start an app under Gunicorn."""

    target: str
    python: str
    options: GunicornOptions

    def command_line(self, port: int) -> list[str]:
        """Return the command line that serves the app on *port*."""
        workers = [] if self.options.sets_workers else ["-w", DEFAULT_WORKERS]
        arguments = [*workers, *self.options.arguments, "-b", f"127.0.0.1:{port}"]
        return [self.python, "-m", "gunicorn", *arguments, self.target]


def parse_gunicorn_options(arguments: Sequence[str]) -> GunicornOptions:
    """Return the *arguments* after `--`, and what we have to know of them.

    Raises `Misconfigured` for those that are ours to choose.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("-w", "--workers")
    parser.add_argument("-b", "--bind")
    parser.add_argument("--chdir", default=".")
    parser.add_argument("-D", "--daemon", action="store_true")
    try:
        known, _ = parser.parse_known_args(list(arguments))
    except argparse.ArgumentError as error:
        raise Misconfigured(f"gunicorn arguments: {error} → correct it") from None
    if known.bind is not None:
        raise Misconfigured("--bind: Bugsly chooses the address itself → leave it out")
    if known.daemon:
        raise Misconfigured("--daemon: Bugsly has to watch the app → leave it out")
    sets_workers = known.workers is not None or "WEB_CONCURRENCY" in os.environ
    return GunicornOptions(
        arguments=tuple(arguments), import_folder=Path(known.chdir), sets_workers=sets_workers
    )


def app_environ(inherited: Mapping[str, str]) -> dict[str, str]:
    """Return *inherited* with frequent samples, all probes and all sources, which stay here.

    It is without recycling, which would hide growth.
    """
    sample_seconds = os.environ.get("BUGSLY_SAMPLE_EVERY", SAMPLE_SECONDS)
    overrides = {
        "BUGSLY_SAMPLE_EVERY": sample_seconds,
        "BUGSLY_RECYCLE_AT": "",
        "BUGSLY_PROBES": "all",
        "BUGSLY_LIBRARY_SOURCES": "on",
        "PYTHONUNBUFFERED": "1",
    }
    return {**inherited, **overrides}
