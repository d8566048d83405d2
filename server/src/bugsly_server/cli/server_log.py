"""Writes the server's log: short lines, and of each kind at most one a second."""

from __future__ import annotations

import logging
import math
import threading
import time
import traceback
from collections import defaultdict
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, TextIO

INTERVAL_SECONDS = 1.0
MAX_LINE_LENGTH = 2_000
MAX_FRAMES = 20
"""Of an exception; the innermost."""
MAX_TRACEBACK_LENGTH = 8_000
CONTROL_CHARACTERS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}


def start_server_log() -> None:
    """Write what is logged to standard error from here on."""
    handler = ServerLogHandler()
    handler.setFormatter(ShortFormatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


class ShortFormatter(logging.Formatter):
    """Keeps a message on one line, and an exception short."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """Return the line without control characters, which clients may have sent."""
        line = super().formatMessage(record).rstrip()
        return line[:MAX_LINE_LENGTH].translate(CONTROL_CHARACTERS)

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        """Return the end of a traceback."""
        lines = traceback.format_exception(*ei, limit=-MAX_FRAMES)
        return "".join(lines).rstrip()[-MAX_TRACEBACK_LENGTH:]


@dataclass(slots=True)
class _Kind:
    """What one line of code logs; *suppressed* counts what was not written, up to *latest*."""

    quiet_until: float = -math.inf
    suppressed: int = 0
    latest: logging.LogRecord | None = None


class ServerLogHandler(logging.StreamHandler[TextIO]):
    """Writes a record of each kind a second, and the last of the others with their number."""

    def __init__(self) -> None:
        super().__init__()
        self._kinds: defaultdict[tuple[str, int], _Kind] = defaultdict(_Kind)

    def emit(self, record: logging.LogRecord) -> None:
        """Write *record*, or count it."""
        kind, now = self._kinds[record.pathname, record.lineno], time.monotonic()
        if now >= kind.quiet_until:
            kind.quiet_until = now + INTERVAL_SECONDS
            super().emit(record)
            return
        if not kind.suppressed:
            timer = threading.Timer(kind.quiet_until - now, self._write_suppressed, (kind,))
            timer.daemon = True
            timer.start()
        kind.suppressed += 1
        kind.latest = record

    def _write_suppressed(self, kind: _Kind) -> None:
        assert kind.latest is not None, "there is one where a record was suppressed"
        with self.lock or nullcontext():
            fields = {**vars(kind.latest), "exc_info": None, "exc_text": None, "args": ()}
            others = f" (and {kind.suppressed - 1} like it)" if kind.suppressed > 1 else ""
            message = f"{kind.latest.getMessage().rstrip()}{others}"
            kind.suppressed = 0
            kind.quiet_until = time.monotonic() + INTERVAL_SECONDS
            super().emit(logging.makeLogRecord({**fields, "msg": message}))
