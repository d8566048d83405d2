"""Parses the private memory at which a worker is recycled: `400 MB` or `80%`."""

from __future__ import annotations

import re
from dataclasses import dataclass

UNITS = {"kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30}
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s*(%|[a-z]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryThreshold:
    """Bytes of private memory, or a share of what this host or container may use."""

    size: int = 0
    fraction: float = 0.0

    def bytes_per_worker(self, limit: int, workers: int) -> int:
        """Return the bytes for each of *workers* that share *limit* equally; 0 where unknown."""
        return self.size or int(self.fraction * limit / workers)


def parse_memory_threshold(text: str) -> MemoryThreshold | None:
    """Return the threshold that *text* names, None where it names none."""
    match = _AMOUNT.fullmatch(text.strip())
    if match is None:
        return None
    number, unit = float(match[1]), match[2].lower()
    if unit == "%":
        return MemoryThreshold(fraction=number / 100) if 0 < number <= 100 else None
    size = int(number * UNITS.get(unit, 0))
    return MemoryThreshold(size=size) if size > 0 else None
