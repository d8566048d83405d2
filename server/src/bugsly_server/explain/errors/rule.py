"""The one shape of all rules: what they match, and the words that they fill in."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from bugsly_server.explain.errors.scene import Scene, line_of, quoted
from bugsly_server.model.error_explanation import ErrorExplanation

MESSAGE = "a log message"
"""Stands for the type where the event has a message and no exception."""
LONGEST = 4_000
"""Characters of a message that patterns are searched in."""


class Reading(NamedTuple):
    """What a rule read out of a scene."""

    names: Mapping[str, str] = {}
    """Text of the event for the words; quoted when it is filled in."""
    phrases: Mapping[str, str] = {}
    """Words of ours, filled in as they are: text of the event in them is quoted already."""
    diff: str = ""
    confidence: float | None = None
    """None for the rule's own."""


def nothing_more(_scene: Scene, _found: re.Match[str]) -> Reading | None:
    """Read no more than the groups of the pattern, which every rule may use."""
    return Reading()


class Rule(NamedTuple):
    """One thing that goes wrong.

    Words take in braces the groups of *pattern*, what *read* adds, and `type`, `value`, `code`,
    `at` (file and line) and `function`. A rule is silent where its *read* returns None.
    """

    slug: str
    types: tuple[str, ...]
    """Names of exceptions; with a module before it, only those from there."""
    title: str
    why: str
    fix: str
    unless: str
    pattern: str = ""
    """Searched in the message."""
    confidence: float = 0.9
    read: Callable[[Scene, re.Match[str]], Reading | None] = nothing_more
    what: str = "{line} raised {type}{says}."

    def explain(self, scene: Scene) -> ErrorExplanation | None:
        """Return what it has to say about *scene*, None where it does not match."""
        found = re.search(self.pattern, scene.thrown.value[:LONGEST])
        reading = self.read(scene, found) if found and self._is_about(scene) else None
        if found is None or reading is None:
            return None
        groups = {name: value or "" for name, value in found.groupdict().items()}
        names = {name: quoted(value) for name, value in (groups | dict(reading.names)).items()}
        shown = _phrases(scene) | names | dict(reading.phrases)
        return ErrorExplanation(
            title=_filled(self.title, shown).rstrip(" :"),
            what=_filled(self.what, shown),
            why=_filled(self.why, shown),
            fix=_filled(self.fix, shown),
            unless=_filled(self.unless, shown),
            confidence=self.confidence if reading.confidence is None else reading.confidence,
            where=scene.where,
            diff=reading.diff,
            rule=self.slug,
        )

    def _is_about(self, scene: Scene) -> bool:
        """Return whether the exception comes from a module that the rule means."""
        module = scene.thrown.module
        for one in self.types:
            owner, _, name = one.rpartition(".")
            if name == scene.thrown.type and (not module or module.startswith(owner)):
                return True
        return False


def _phrases(scene: Scene) -> dict[str, str]:
    frame, value = scene.frame, quoted(scene.thrown.value.partition("\n[SQL: ")[0])
    at, code = quoted(line_of(frame)), quoted(frame.code, 100)
    inside = f", in `{quoted(frame.function, 60)}`" if frame.function else ""
    return {
        "line": f"`{code}` ({at}{inside})" if code else f"{at}{inside}",
        "at": at,
        "code": code,
        "function": quoted(frame.function) or "the module",
        "type": quoted(scene.thrown.type),
        "value": value,
        "says": f": {value.rstrip(' .:')}" if value else "",
    }


def _filled(words: str, names: Mapping[str, str]) -> str:
    return " ".join(words.format_map(names).split())
