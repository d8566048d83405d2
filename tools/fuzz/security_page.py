"""Writes what fuzzers found into docs/security.md."""

from __future__ import annotations

from pathlib import Path

from tools.bench.section import Section, replace_section

PAGE_PATH = Path(__file__).parents[2] / "docs" / "security.md"


def write_section(name: str, section: Section) -> None:
    """Write *section* between the markers called *name*."""
    page = PAGE_PATH.read_text(encoding="utf-8")
    PAGE_PATH.write_text(replace_section(page, name, section), encoding="utf-8")
