"""A table of results, as Markdown."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tools.marked_sections import replace_marked


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


def replace_section(page: str, name: str, section: Section) -> str:
    """Return *page* with the section called *name* replaced, or added at its end."""
    when = f"{datetime.now(UTC):%Y-%m-%d}, {platform.system()} {platform.machine()}"
    python = f"Python {platform.python_version()}"
    text = f"{section.text()}\n\n<sub>{when}, {python}, {section.machine()}.</sub>"
    return replace_marked(page, name, text)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
