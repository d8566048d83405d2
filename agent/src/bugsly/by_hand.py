"""What an application tells of its errors by hand, through the functions of `bugsly`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from bugsly import agent
from bugsly.probes.errors.errors import Caught, Said
from bugsly.probes.errors.show import Show

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bugsly.probes.errors import Errors

BY_HAND = Caught("capture", handled=True)
LONGEST_USER = 200


def capture_exception(error: BaseException | None) -> str:
    """Report *error*, or the exception that is being handled."""
    errors = _errors()
    if error is None:
        error = sys.exc_info()[1]
    return "" if errors is None else errors.capture(error, BY_HAND)


def capture_message(text: str, level: str) -> str:
    """Report *text*."""
    errors = _errors()
    return "" if errors is None else errors.tell(Said(_text(text), level=_text(level)), BY_HAND)


def add_breadcrumb(
    message: str, category: str, level: str, details: Mapping[str, object] | None
) -> None:
    """Note what happens, for the case of an error."""
    errors = _errors()
    if errors is not None:
        with errors.guard:
            texts = {_text(name): _text(value) for name, value in (details or {}).items()}
            errors.scopes.open().add(_text(category), _text(level), _text(message), texts)


def set_user(user: object) -> None:
    """Name who is asking."""
    errors = _errors()
    if errors is not None:
        with errors.guard:
            errors.scopes.open().user = "" if user is None else _text(user)[:LONGEST_USER]


def _errors() -> Errors | None:
    running = agent.current()
    return None if running is None else running.errors


def _text(value: object) -> str:
    """Return a text as it is, and any other value as Python would write it."""
    return value if type(value) is str else Show().value(value)
