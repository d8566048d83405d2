"""Defines a rule: the exceptions it matches, and the templates of its sentences."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from bugsly_server.explain.errors.raised_exception import RaisedException, frame_location, quoted
from bugsly_server.model.error_explanation import ErrorExplanation

LOG_MESSAGE_TYPE = "a log message"
"""Stands for the type where the event has a message and no exception."""
PYTHON = frozenset({"python", "other"})
"""Platforms of events; clients that name none send `other`."""
JAVASCRIPT = frozenset({"javascript", "node", "other"})
MAX_SEARCHED_CHARACTERS = 4_000
"""Characters of a message that are searched for patterns."""


class RuleMatch(NamedTuple):
    """What `examine` found out about an exception."""

    event_texts: Mapping[str, str] = {}
    """Text of the event for the templates; quoted when it is filled in."""
    phrases: Mapping[str, str] = {}
    """Our own text, filled in as it is: text of the event in it is already quoted."""
    diff: str = ""
    confidence: float | None = None
    """None for the confidence of the rule."""


def no_further_texts(_raised: RaisedException, _matched: re.Match[str]) -> RuleMatch | None:
    """Add nothing to the groups of the pattern, which every rule may use."""
    return RuleMatch()


class ErrorRule(NamedTuple):
    """One kind of error and its explanation.

    Placeholders of the templates are the groups of *pattern*, what *examine* adds, and `type`,
    `value`, `code`, `at` (file and line) and `function`. A rule does not apply if its *examine*
    returns None.
    """

    slug: str
    exception_types: tuple[str, ...]
    """Names of exceptions; one with a module before it matches only in that module."""
    title: str
    why: str
    fix: str
    unless: str
    pattern: str = ""
    """Searched in the message."""
    platforms: frozenset[str] = PYTHON
    """Advice for one language is wrong in another, where exceptions have the same names."""
    confidence: float = 0.9
    examine: Callable[[RaisedException, re.Match[str]], RuleMatch | None] = no_further_texts
    what: str = "{line} raised {type}{says}."

    def explain(self, raised: RaisedException) -> ErrorExplanation | None:
        """Return the explanation of *raised*, None if the rule does not match."""
        if raised.event.platform not in self.platforms:
            return None
        matched = re.search(self.pattern, raised.exception.value[:MAX_SEARCHED_CHARACTERS])
        rule_match = (
            self.examine(raised, matched) if matched and self._is_about_type_of(raised) else None
        )
        if matched is None or rule_match is None:
            return None
        groups = {name: value or "" for name, value in matched.groupdict().items()}
        event_texts = {
            name: quoted(value) for name, value in (groups | dict(rule_match.event_texts)).items()
        }
        placeholders = _common_phrases(raised) | event_texts | dict(rule_match.phrases)
        return ErrorExplanation(
            title=_filled_in(self.title, placeholders).rstrip(" :"),
            what=_filled_in(self.what, placeholders),
            why=_filled_in(self.why, placeholders),
            fix=_filled_in(self.fix, placeholders),
            unless=_filled_in(self.unless, placeholders),
            confidence=self.confidence if rule_match.confidence is None else rule_match.confidence,
            where=raised.frame_refs,
            diff=rule_match.diff,
            rule=self.slug,
        )

    def _is_about_type_of(self, raised: RaisedException) -> bool:
        """Return whether the rule covers the type of the exception and its module."""
        module = raised.exception.module
        for qualified in self.exception_types:
            owner, _, name = qualified.rpartition(".")
            if name == raised.exception.type and (not module or module.startswith(owner)):
                return True
        return False


def _common_phrases(raised: RaisedException) -> dict[str, str]:
    frame, value = raised.frame, quoted(raised.exception.value.partition("\n[SQL: ")[0])
    at, code = quoted(frame_location(frame)), quoted(frame.code, 100)
    inside = f", in `{quoted(frame.function, 60)}`" if frame.function else ""
    return {
        "line": f"`{code}` ({at}{inside})" if code else f"{at}{inside}",
        "at": at,
        "code": code,
        "function": quoted(frame.function) or "the module",
        "type": quoted(raised.exception.type),
        "value": value,
        "says": f": {value.rstrip(' .:')}" if value else "",
    }


def _filled_in(template: str, placeholders: Mapping[str, str]) -> str:
    return " ".join(template.format_map(placeholders).split())
