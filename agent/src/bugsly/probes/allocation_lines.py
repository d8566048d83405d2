"""Adds up, for a tracer, what is still allocated by the application's line nearest to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bugsly.app_code import AGENT_FOLDER, format_site, is_app_file
from bugsly.protocol.evidence import AllocationSite

if TYPE_CHECKING:
    from collections.abc import Iterable

    CodeLine = tuple[str, int]

MAX_ALLOCATION_LINES = 40


class AllocationLines:
    """Allocated bytes and blocks by line."""

    def __init__(self) -> None:
        self._sums: dict[tuple[CodeLine, CodeLine], tuple[int, int]] = {}

    def add(self, stack: Iterable[CodeLine], size: int, count: int) -> None:
        """Add *count* allocations of *size* bytes in total, made by *stack*, innermost line first.

        Allocations of the agent are left out, unless the application's code called it.
        """
        code_lines = list(stack)
        app_line = next((code_line for code_line in code_lines if is_app_file(code_line[0])), None)
        if not code_lines or (
            app_line is None and any(file.startswith(AGENT_FOLDER) for file, _ in code_lines)
        ):
            return
        key = (app_line or ("", 0), code_lines[0])
        bytes_before, count_before = self._sums.get(key, (0, 0))
        self._sums[key] = (bytes_before + size, count_before + count)

    def largest(self) -> tuple[AllocationSite, ...]:
        """Return the lines with most bytes; `site` is empty if no line is the application's."""
        ranked = sorted(self._sums.items(), key=lambda line_sum: line_sum[1], reverse=True)[
            :MAX_ALLOCATION_LINES
        ]
        return tuple(
            AllocationSite(
                site=format_site(*app_line) if app_line[0] else "",
                bytes=size,
                count=count,
                inner="" if inner == app_line else format_site(*inner),
            )
            for (app_line, inner), (size, count) in ranked
        )
