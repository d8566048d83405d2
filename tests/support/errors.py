"""Builders of events with one exception, and what the rules say of them."""

from typing import Any

from bugsly_server.explain.errors.explain import explain_error
from bugsly_server.model.error_explanation import ErrorExplanation, Surroundings
from bugsly_server.model.event import Event, Frame, Thrown


def thrown(kind: str, value: str, *frames: Frame, **facts: Any) -> Event:
    one = Thrown(type=kind, value=value, frames=frames, module=facts.pop("module", ""))
    return Event(**{"id": "0" * 32, "at": 1, "exceptions": (one,), **facts})


def frame(code: str, **facts: Any) -> Frame:
    fields: dict[str, Any] = {"file": "shop/views.py", "function": "show", "line": 9}
    return Frame(**{**fields, "code": code, "in_app": True, **facts})


def told(event: Event, **context: Any) -> ErrorExplanation:
    found = explain_error(event, Surroundings(**context))
    assert found is not None
    return found
