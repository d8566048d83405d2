"""Reads what people judged of findings, and counts by it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

JUDGEMENTS_FILE = Path(__file__).with_name("judgements.toml")


@dataclass(frozen=True, slots=True, order=True)
class JudgedPlace:
    """A line of an application, by its text."""

    package: str
    path: str
    text: str

    @classmethod
    def at(cls, package: str, folder: Path, path: Path, line: int) -> JudgedPlace:
        """Return the place of *line* in *path*, a file of the application in *folder*."""
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        return cls(package, path.relative_to(folder).as_posix(), lines[line - 1].strip())


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether a finding at a place is true, and why."""

    is_true: bool
    reason: str


class NotJudged(Exception):
    """Findings that nobody has judged; the text lists them."""


def load_judgements() -> dict[JudgedPlace, Judgement]:
    """Return all judgements."""
    read = tomllib.loads(JUDGEMENTS_FILE.read_text(encoding="utf-8"))
    return {
        JudgedPlace(one["package"], one["path"], one["text"]): Judgement(one["true"], one["reason"])
        for one in read["place"]
    }


def count_true(places: Iterable[JudgedPlace], judgements: Mapping[JudgedPlace, Judgement]) -> int:
    """Return how many findings are true; raise `NotJudged` if one has no judgement."""
    found = list(places)
    unknown = sorted({place for place in found if place not in judgements})
    if unknown:
        lines = "\n".join(f"  {one.package}: {one.path}: {one.text}" for one in unknown)
        raise NotJudged(f"not judged → read the code and add to {JUDGEMENTS_FILE.name}:\n{lines}")
    return sum(judgements[place].is_true for place in found)
