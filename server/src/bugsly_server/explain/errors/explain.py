"""From an event to its explanation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bugsly_server.explain.errors.rule import MESSAGE
from bugsly_server.explain.errors.rules import rules
from bugsly_server.explain.errors.scene import Scene
from bugsly_server.model.error_explanation import ErrorExplanation, Surroundings
from bugsly_server.model.event import Event, Thrown

MOST = 5
"""Exceptions of a chain that are looked at."""
FARTHER = 0.95
"""What a step down the chain costs of the confidence: the exception that was caught comes first."""
NEW = " Its release is new: look at what it changed."


def explain_error(event: Event, context: Surroundings) -> ErrorExplanation | None:
    """Return what the surest rule says of *event*, None where no rule knows it.

    It takes a few milliseconds, and never raises for what an event may hold.
    """
    found = max(_told(event, context), key=lambda one: one.confidence, default=None)
    if found is None or not context.new_release:
        return found
    return replace(found, why=found.why + NEW)


def _told(event: Event, context: Surroundings) -> Iterator[ErrorExplanation]:
    thrown = event.exceptions[:MOST] or (Thrown(type=MESSAGE, value=event.message),)
    for index, one in enumerate(thrown):
        scene = Scene(event, context, index, one)
        for rule in rules().get(one.type, ()):
            told = rule.explain(scene)
            if told is not None:
                yield replace(told, confidence=told.confidence * FARTHER**index)
