"""Where a page gets the explanation of an error from."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from bugsly_server.model.event import Event


def explained(event: Event) -> Any:
    """Return what the rules say of *event*; None where no rule knows it, or there are none."""
    try:
        rules = import_module("bugsly_server.explain.errors.explain")
        words = import_module("bugsly_server.model.error_explanation")
    except ModuleNotFoundError:
        return None
    return rules.explain_error(event, words.Surroundings(memory=event.memory))
