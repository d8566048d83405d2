"""How doctor starts an app under Gunicorn."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bugsly_server.errors import Misconfigured

WORKERS = "2"
SAMPLE_EVERY = "0.5"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The user's own arguments for Gunicorn."""

    given: tuple[str, ...]
    folder: Path
    """Where the app is imported."""
    counts_workers: bool
    """Whether they say how many workers there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What to start, and with what."""

    target: str
    python: str
    options: Options

    def command(self, port: int) -> list[str]:
        """Return the command line that serves the app on *port*."""
        workers = [] if self.options.counts_workers else ["-w", WORKERS]
        given = [*workers, *self.options.given, "-b", f"127.0.0.1:{port}"]
        return [self.python, "-m", "gunicorn", *given, self.target]


def gunicorn_options(given: Sequence[str]) -> Options:
    """Return what the arguments after `--` say, as far as doctor has to know it."""
    reader = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    reader.add_argument("-w", "--workers")
    reader.add_argument("-b", "--bind")
    reader.add_argument("--chdir", default=".")
    reader.add_argument("-D", "--daemon", action="store_true")
    try:
        known, _ = reader.parse_known_args(list(given))
    except argparse.ArgumentError as error:
        raise Misconfigured(f"gunicorn arguments: {error} → correct them") from None
    if known.bind is not None:
        raise Misconfigured("--bind: doctor chooses the address itself → leave it out")
    if known.daemon:
        raise Misconfigured("--daemon: doctor has to watch the app → leave it out")
    counted = known.workers is not None or "WEB_CONCURRENCY" in os.environ
    return Options(given=tuple(given), folder=Path(known.chdir), counts_workers=counted)


def environ(beside: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the app: that of `bugsly run`, with samples close together.

    Its workers are not recycled: they are here to be seen growing.
    """
    every = os.environ.get("BUGSLY_SAMPLE_EVERY", SAMPLE_EVERY)
    own = {"BUGSLY_SAMPLE_EVERY": every, "BUGSLY_RECYCLE_AT": "", "PYTHONUNBUFFERED": "1"}
    return {**beside, **own}
