"""An explanation: a diagnosis in words, for the page, the alert and the terminal."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """How to fix a leak."""

    change: str
    """What to change."""
    diff: str | None = None
    """The change as a unified diff, where the source allows one."""
    link: str | None = None
    """Where to read more, for a known leak of a library."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What happens, what it costs, and how to fix it."""

    title: str
    """One line."""
    what: str
    """What happens, and why memory grows."""
    cost: str
    """Per request, per day, and when it ends."""
    fix: Fix
    source_excerpt: tuple[tuple[int, str], ...] = ()
    """The numbered lines around the source location."""
