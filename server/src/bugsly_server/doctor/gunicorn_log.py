"""Reads what the log of Gunicorn and of the app says."""

from __future__ import annotations

import re
from pathlib import Path

TAIL_BYTES = 64 * 1024
EXCEPTION_LINE = re.compile(
    r"^[A-Za-z_][\w.]*(?:Error|Exception|Exit|Warning|Interrupt|NotFound)\b"
)
GUNICORN_ERROR_LINE = re.compile(r"^\[[^\]]+\] \[\d+\] \[(?:ERROR|CRITICAL)\] (.*)")


def telling_line(log: Path) -> str:
    """Return the last exception in a log, else its last error, else its last line."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - TAIL_BYTES))
        text = file.read().decode(errors="replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    raised = [line for line in lines if EXCEPTION_LINE.match(line)]
    errors = [match[1] for line in lines if (match := GUNICORN_ERROR_LINE.match(line))]
    return (raised or errors or lines or ["it said nothing"])[-1]
