"""Explains an event by the rule that is most confident."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bugsly_server.explain.errors.raised_exception import RaisedException
from bugsly_server.explain.errors.rule import LOG_MESSAGE_TYPE
from bugsly_server.explain.errors.rules import rules_by_exception
from bugsly_server.model.error_explanation import ErrorContext, ErrorExplanation
from bugsly_server.model.event import ErrorEvent, EventException

MAX_EXCEPTIONS = 5
"""Exceptions of a chain that rules are tried on."""
CONFIDENCE_PER_LINK = 0.95
"""Confidence is multiplied by this for each step down the chain, since the last exception raised
comes first."""
NEW_RELEASE_HINT = " Its release is new: look at what changed in it."


def explain_error(event: ErrorEvent, context: ErrorContext) -> ErrorExplanation | None:
    """Return the explanation with the highest confidence, None if no rule matches *event*.

    It takes a few milliseconds, and raises nothing whatever the event contains.
    """
    surest = max(
        _explanations(event, context), key=lambda explanation: explanation.confidence, default=None
    )
    if surest is None or not context.new_release:
        return surest
    return replace(surest, why=surest.why + NEW_RELEASE_HINT)


def _explanations(event: ErrorEvent, context: ErrorContext) -> Iterator[ErrorExplanation]:
    exceptions = event.exceptions[:MAX_EXCEPTIONS] or (
        EventException(type=LOG_MESSAGE_TYPE, value=event.message),
    )
    for index, exception in enumerate(exceptions):
        raised = RaisedException(event, context, index, exception)
        for rule in rules_by_exception().get(exception.type, ()):
            explanation = rule.explain(raised)
            if explanation is not None:
                yield replace(
                    explanation, confidence=explanation.confidence * CONFIDENCE_PER_LINK**index
                )
