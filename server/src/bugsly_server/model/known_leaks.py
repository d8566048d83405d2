"""Leaks of released libraries that are known, from known_leaks.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bugsly_server.model.diagnosis import Cause

KNOWN_LEAKS_FILE = Path(__file__).with_suffix(".toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownLeak:
    """One entry: its pattern, the versions concerned, and the way out."""

    slug: str
    library: str
    """Name of the distribution."""
    fixed_in: str
    """The first version without it, empty where none is."""
    pattern: str
    """A regular expression for the holder, or for a line inside the library."""
    cause: Cause
    what: str
    fix: str
    link: str


@cache
def known_leaks() -> dict[str, KnownLeak]:
    """Return all entries by slug."""
    with KNOWN_LEAKS_FILE.open("rb") as file:
        entries = tomllib.load(file)
    return {
        slug: KnownLeak(slug=slug, **entry | {"cause": Cause(entry["cause"])})
        for slug, entry in entries.items()
    }
