"""Reports logged errors, and turns earlier log records into breadcrumbs.

It replaces the factory of log records. A handler of ours would only get the records of loggers that
propagate, and would keep `logging.basicConfig()` and Flask from adding theirs.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from bugsly.app_code import format_site
from bugsly.integrations.logged_message import format_record
from bugsly.probes.errors.error_reporter import CaptureContext, CapturedMessage, reentrancy_guard

if TYPE_CHECKING:
    from bugsly.integrations.ports import GuardedReportingAgent
    from bugsly.probes.errors.timed_texts import TextSource

LOGGING_CAPTURE = CaptureContext("logging", handled=True)
ACCESS_LOGGERS = ("gunicorn.access", "werkzeug")
"""Loggers that log every request."""
SENTRY_LEVELS = (
    (logging.CRITICAL, "fatal"),
    (logging.ERROR, "error"),
    (logging.WARNING, "warning"),
)


class LoggingErrorHook:
    """A factory of log records that calls the one it replaced."""

    def __init__(self, agent: GuardedReportingAgent) -> None:
        self._agent = agent
        self._guard = agent.guards("logging")
        self._previous_factory = logging.getLogRecordFactory()

    def install(self) -> None:
        """Replace the factory."""
        self._previous_factory = logging.getLogRecordFactory()
        logging.setLogRecordFactory(self.make_record)

    def remove(self) -> None:
        """Restore the factory that was found, unless another one replaced ours."""
        if logging.getLogRecordFactory() == self.make_record:
            logging.setLogRecordFactory(self._previous_factory)

    def make_record(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        """Return a record; report it or keep it as a breadcrumb."""
        record = self._previous_factory(*args, **kwargs)
        with self._guard:
            if type(record.levelno) is int and record.levelno >= logging.INFO:
                self._handle(record)
        return record

    def _handle(self, record: logging.LogRecord) -> None:
        name = str(record.name)
        if name.partition(".")[0] == "bugsly" or name in ACCESS_LOGGERS:
            return
        with reentrancy_guard() as may_listen:
            if not may_listen:
                return
            message, source = format_record(record)
        if record.levelno >= logging.ERROR:
            self._report(record, message, source)
        scope = self._agent.error_reporter.scopes.find_or_create()
        scope.add_breadcrumb(name, sentry_level(record.levelno), message, {})

    def _report(self, record: logging.LogRecord, message: str, source: TextSource | None) -> None:
        captured_message = CapturedMessage(
            message=message,
            source=source,
            template=record.msg if type(record.msg) is str else "",
            level=sentry_level(record.levelno),
            logger=record.name,
            location=f"{format_site(record.pathname, record.lineno)} in {record.funcName}",
        )
        error: Any = record.exc_info[1] if record.exc_info else record.msg
        if issubclass(type(error), BaseException):
            self._agent.error_reporter.capture_exception(error, LOGGING_CAPTURE, captured_message)
        else:
            self._agent.error_reporter.capture_message(captured_message, LOGGING_CAPTURE)


def sentry_level(number: int) -> str:
    """Return Sentry's name of a level of `logging`."""
    return next((word for floor, word in SENTRY_LEVELS if number >= floor), "info")
