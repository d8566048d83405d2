"""Hears of exceptions that nobody caught, in the main thread and in others."""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING

from bugsly.probes.errors.errors import Caught, Said

if TYPE_CHECKING:
    from types import TracebackType

    from bugsly.agent import Agent

FATAL = Said(level="fatal")


class Uncaught:
    """Stands before the hooks of Python that it found, and calls them after."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._ended = sys.excepthook
        self._thread_ended = threading.excepthook

    def install(self) -> None:
        """Take the place of Python's hooks."""
        self._ended, self._thread_ended = sys.excepthook, threading.excepthook
        sys.excepthook, threading.excepthook = self.ended, self.thread_ended

    def remove(self) -> None:
        """Put the hooks back that were found, unless others stand before them now."""
        if sys.excepthook == self.ended:
            sys.excepthook = self._ended
        if threading.excepthook == self.thread_ended:
            threading.excepthook = self._thread_ended

    def ended(
        self, kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        """Report the exception that ends the program."""
        self._agent.errors.capture(error, Caught("excepthook", endpoint=program_name()), FATAL)
        self._ended(kind, error, traceback)

    def thread_ended(self, args: threading.ExceptHookArgs) -> None:
        """Report the exception that ends a thread."""
        self._agent.errors.capture(args.exc_value, Caught("threading"))
        self._thread_ended(args)


def program_name() -> str:
    """Return what was started, as `flask import-prices`, without its other arguments."""
    folder, program = os.path.split(sys.argv[0] if sys.argv else "")
    if program == "__main__.py":
        program = os.path.basename(folder)  # noqa: PTH119 - no pathlib here
    words = [word for word in sys.argv[1:2] if word.replace("-", "_").isidentifier()]
    return " ".join([program, *(word for word in words if word[0] not in "-_")])[:100]
