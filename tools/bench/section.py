"""A table of results, as Markdown."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Section:
    """One part of the page: a title, what was done, a table, and what to make of it."""

    title: str
    how: str
    columns: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def text(self) -> str:
        """Return it as Markdown."""
        lines = [f"## {self.title}", "", self.how, "", _row(self.columns)]
        lines.append(
            "|" + "|".join("---" if not i else "---:" for i in range(len(self.columns))) + "|"
        )
        lines += [_row(row) for row in self.rows]
        lines += [""] * bool(self.notes)
        lines += [f"* {note}" for note in self.notes]
        return "\n".join(lines)

    def machine(self) -> str:
        """Return what it ran on."""
        model = "unknown processor"
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
        return f"{os.cpu_count()} cores of {model}"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
