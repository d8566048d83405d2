"""Reports what an application captures manually, through the public functions of `bugsly`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from bugsly import bootstrap
from bugsly.probes.errors.error_reporter import CaptureContext, CapturedMessage
from bugsly.probes.errors.safe_repr import SafeRepr

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bugsly.probes.errors import ErrorReporter

MANUAL_CAPTURE = CaptureContext("capture", handled=True)
MAX_USER_LENGTH = 200


def capture_exception(error: BaseException | None) -> str:
    """Report *error*, or the exception that is being handled."""
    reporter = _error_reporter()
    if error is None:
        error = sys.exc_info()[1]
    return "" if reporter is None else reporter.capture_exception(error, MANUAL_CAPTURE)


def capture_message(text: str, level: str) -> str:
    """Report *text*."""
    reporter = _error_reporter()
    return (
        ""
        if reporter is None
        else reporter.capture_message(
            CapturedMessage(_to_text(text), level=_to_text(level)), MANUAL_CAPTURE
        )
    )


def add_breadcrumb(
    message: str, category: str, level: str, details: Mapping[str, object] | None
) -> None:
    """Add a breadcrumb to the current request or thread."""
    reporter = _error_reporter()
    if reporter is not None:
        with reporter.guard:
            texts = {_to_text(name): _to_text(value) for name, value in (details or {}).items()}
            reporter.scopes.find_or_create().add_breadcrumb(
                _to_text(category), _to_text(level), _to_text(message), texts
            )


def set_user(user: object) -> None:
    """Set the user of the current request or thread."""
    reporter = _error_reporter()
    if reporter is not None:
        with reporter.guard:
            reporter.scopes.find_or_create().user = (
                "" if user is None else _to_text(user)[:MAX_USER_LENGTH]
            )


def _error_reporter() -> ErrorReporter | None:
    agent = bootstrap.current()
    return None if agent is None else agent.error_reporter


def _to_text(value: object) -> str:
    """Return a text as it is, and any other value as its safe repr."""
    return value if type(value) is str else SafeRepr().format_value(value)
