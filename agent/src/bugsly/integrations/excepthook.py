"""Reports uncaught exceptions, of the main thread and of others."""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING

from bugsly.probes.errors.error_reporter import CaptureContext, CapturedMessage

if TYPE_CHECKING:
    from types import TracebackType

    from bugsly.integrations.ports import ReportingAgent

FATAL_MESSAGE = CapturedMessage(level="fatal")


class UncaughtErrorHook:
    """Replaces the excepthooks it finds, and calls them after it has reported."""

    def __init__(self, agent: ReportingAgent) -> None:
        self._agent = agent
        self._previous_excepthook = sys.excepthook
        self._previous_thread_excepthook = threading.excepthook

    def install(self) -> None:
        """Replace the excepthooks."""
        self._previous_excepthook, self._previous_thread_excepthook = (
            sys.excepthook,
            threading.excepthook,
        )
        sys.excepthook, threading.excepthook = self.excepthook, self.thread_excepthook

    def remove(self) -> None:
        """Restore the excepthooks that were found, unless others replaced ours."""
        if sys.excepthook == self.excepthook:
            sys.excepthook = self._previous_excepthook
        if threading.excepthook == self.thread_excepthook:
            threading.excepthook = self._previous_thread_excepthook

    def excepthook(
        self, kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        """Report the exception that ends the program."""
        self._agent.error_reporter.capture_exception(
            error, CaptureContext("excepthook", endpoint=program_name()), FATAL_MESSAGE
        )
        self._previous_excepthook(kind, error, traceback)

    def thread_excepthook(self, args: threading.ExceptHookArgs) -> None:
        """Report the exception that ends a thread."""
        self._agent.error_reporter.capture_exception(args.exc_value, CaptureContext("threading"))
        self._previous_thread_excepthook(args)


def program_name() -> str:
    """Return what was started, such as `flask import-prices`, without its other arguments."""
    folder, program = os.path.split(sys.argv[0] if sys.argv else "")
    if program == "__main__.py":
        program = os.path.basename(folder)  # noqa: PTH119 - no pathlib here
    words = [word for word in sys.argv[1:2] if word.replace("-", "_").isidentifier()]
    return " ".join([program, *(word for word in words if word[0] not in "-_")])[:100]
