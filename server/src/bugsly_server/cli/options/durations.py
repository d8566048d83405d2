"""Reads lengths of time on a command line, such as `90s`."""

from __future__ import annotations

import re

from bugsly_server.errors import Misconfigured

SECONDS_OF_UNIT = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def parse_seconds(text: str) -> float:
    """Return the seconds of `90s`, `10min` or `2h`; raises `Misconfigured` for anything else."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]*)", text.strip().lower())
    if match is None or match[2] not in SECONDS_OF_UNIT or not float(match[1]):
        raise Misconfigured(f"--for: {text!r} is not a length of time → write 90s, 10min or 2h")
    return float(match[1]) * SECONDS_OF_UNIT[match[2]]
