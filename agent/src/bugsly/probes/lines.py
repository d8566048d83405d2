"""Adds up what is still allocated, by the application's line nearest to each allocation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bugsly.own import OURS, is_own, site_of
from bugsly.protocol.evidence import Line

if TYPE_CHECKING:
    from collections.abc import Iterable

    Place = tuple[str, int]

MOST_LINES = 40


class Lines:
    """Bytes and blocks by line."""

    def __init__(self) -> None:
        self._sums: dict[tuple[Place, Place], tuple[int, int]] = {}

    def add(self, stack: Iterable[Place], size: int, count: int) -> None:
        """Add *count* allocations of *size* bytes in all, made by *stack*, its innermost first.

        What we allocate ourselves, with none of the application's code around it, is left out.
        """
        places = list(stack)
        own = next((place for place in places if is_own(place[0])), None)
        if not places or (own is None and any(file.startswith(OURS) for file, _ in places)):
            return
        key = (own or ("", 0), places[0])
        bytes_before, count_before = self._sums.get(key, (0, 0))
        self._sums[key] = (bytes_before + size, count_before + count)

    def biggest(self) -> tuple[Line, ...]:
        """Return those with most bytes; where no code of the application was near, without it."""
        ranked = sorted(self._sums.items(), key=lambda one: one[1], reverse=True)[:MOST_LINES]
        return tuple(
            Line(
                site=site_of(*own) if own[0] else "",
                bytes=size,
                count=count,
                inner="" if inner == own else site_of(*inner),
            )
            for (own, inner), (size, count) in ranked
        )
