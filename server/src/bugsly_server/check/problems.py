"""What can be wrong with what `bugsly check` is given."""

from __future__ import annotations

from pathlib import Path


class UnreadableSource(Exception):
    """A source file cannot be analysed; the others can."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: not checked: {reason}")
        self.path = path
        self.reason = reason
