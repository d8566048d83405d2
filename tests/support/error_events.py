"""Builders of events with one exception, and what the rules say of them."""

from typing import Any

from bugsly_server.explain.errors.rule_engine import explain_error
from bugsly_server.model.error_explanation import ErrorContext, ErrorExplanation
from bugsly_server.model.event import ErrorEvent, EventException, StackFrame


def error_event(kind: str, value: str, *frames: StackFrame, **facts: Any) -> ErrorEvent:
    exception = EventException(
        type=kind, value=value, frames=frames, module=facts.pop("module", "")
    )
    return ErrorEvent(**{"id": "0" * 32, "at": 1, "exceptions": (exception,), **facts})


def frame(code: str, **facts: Any) -> StackFrame:
    fields: dict[str, Any] = {"file": "shop/views.py", "function": "show", "line": 9}
    return StackFrame(**{**fields, "code": code, "in_app": True, **facts})


def explained(event: ErrorEvent, **context: Any) -> ErrorExplanation:
    found = explain_error(event, ErrorContext(**context))
    assert found is not None
    return found
