"""What `bugsly check` leaves out, and why: the rest is checked all the same."""

from __future__ import annotations

from typing import NamedTuple


class UncheckedPath(NamedTuple):
    """A path that was not checked."""

    path: str
    reason: str
    advice: str
    """What to do about it."""

    def __str__(self) -> str:
        """Return the line for a person."""
        return f"{self.path}: not checked: {self.reason} → {self.advice}"


class UnreadableSource(Exception):
    """A source that cannot be analysed; the others can."""

    def __init__(self, reason: str, advice: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.advice = advice
