"""Hears of what is logged: errors are reported, what comes before them becomes breadcrumbs.

It stands where `logging` makes its records. A handler of ours would hear only of loggers that
propagate, and would keep `logging.basicConfig()` and Flask from adding theirs.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from bugsly.guard import answer_of
from bugsly.own import site_of
from bugsly.probes.errors.errors import Caught, Said, listening

if TYPE_CHECKING:
    from bugsly.agent import Agent

LOGGED = Caught("logging", handled=True)
ACCESS = ("gunicorn.access", "werkzeug")
"""Loggers that write a line about every request."""
LEVELS = ((logging.CRITICAL, "fatal"), (logging.ERROR, "error"), (logging.WARNING, "warning"))


class Records:
    """The factory of log records, which has its predecessor make them."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._guard = agent.guards("logging")
        self._make = logging.getLogRecordFactory()

    def install(self) -> None:
        """Take the place of the factory."""
        self._make = logging.getLogRecordFactory()
        logging.setLogRecordFactory(self.make)

    def remove(self) -> None:
        """Put the factory back that was found, unless another stands before it now."""
        if logging.getLogRecordFactory() == self.make:
            logging.setLogRecordFactory(self._make)

    def make(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        """Return a record, and hear what it says."""
        record = self._make(*args, **kwargs)
        with self._guard:
            if type(record.levelno) is int and record.levelno >= logging.INFO:
                self._hear(record)
        return record

    def _hear(self, record: logging.LogRecord) -> None:
        name = str(record.name)
        if name.partition(".")[0] == "bugsly" or name in ACCESS:
            return
        template = record.msg if type(record.msg) is str else ""
        with listening() as may_listen:
            if not may_listen:
                return
            message = answer_of(record.getMessage, template)
        if record.levelno >= logging.ERROR:
            self._report(record, message, template)
        scope = self._agent.errors.scopes.open()
        scope.add(name, level_of(record.levelno), message, {})

    def _report(self, record: logging.LogRecord, message: str, template: str) -> None:
        said = Said(
            message=message,
            template=template,
            level=level_of(record.levelno),
            logger=record.name,
            where=f"{site_of(record.pathname, record.lineno)} in {record.funcName}",
        )
        error: Any = record.exc_info[1] if record.exc_info else record.msg
        if issubclass(type(error), BaseException):
            self._agent.errors.capture(error, LOGGED, said)
        else:
            self._agent.errors.tell(said, LOGGED)


def level_of(number: int) -> str:
    """Return Sentry's word for a level of `logging`."""
    return next((word for floor, word in LEVELS if number >= floor), "info")
