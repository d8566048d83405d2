"""Events, the errors they are made of, and what is sent of them."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from bugsly.event_outbox import EventOutbox
from bugsly.guard import Guards
from bugsly.integrations.wsgi import CURRENT_REQUEST
from bugsly.probes.errors import ErrorReporter
from bugsly.probes.errors.error_reporter import AgentCallbacks, CaptureContext
from bugsly.probes.errors.event_encoder import encode_without_secrets
from bugsly.probes.errors.scope import ScopeFinder
from bugsly.protocol.event import CapturedEvent, EventOrigin

ORIGIN = EventOrigin(release="7", environment="test", server_name="web-1", version="1")
CAPTURED_BY_TEST = CaptureContext("test", handled=True)


def event(**changes: Any) -> CapturedEvent:
    fields: dict[str, Any] = {
        "id": uuid4().hex,
        "at": 1_700_000_000.0,
        "level": "error",
        "hook": "flask",
        "handled": False,
    }
    return CapturedEvent(**fields | changes)


def exception_of(failing: Callable[[], object]) -> BaseException:
    """Return what *failing* raises."""
    try:
        failing()
    except BaseException as error:  # noqa: BLE001 - whatever it is
        return error
    raise AssertionError("it was to fail")


class ErrorCapture:
    """The errors of a worker that nobody is told of."""

    def __init__(self, *, send_locals: bool = True) -> None:
        self.event_outbox = EventOutbox()
        self.guards = Guards()
        voice = AgentCallbacks(lambda: True, lambda: None, lambda: "a" * 32)
        self.errors = ErrorReporter(
            self.event_outbox,
            ScopeFinder(CURRENT_REQUEST.get),
            voice,
            self.guards("errors"),
            send_locals=send_locals,
        )

    @property
    def encoded_events(self) -> list[dict[str, Any]]:
        """Return what was made ready to be sent so far."""
        self.event_outbox.encode_pending(lambda draft: encode_without_secrets(draft, ORIGIN))
        return [json.loads(one) for one in self.event_outbox.peek(1 << 30)]

    def capture(self, failing: Callable[[], object]) -> dict[str, Any]:
        """Return the event that comes of *failing*."""
        assert self.errors.capture_exception(exception_of(failing), CAPTURED_BY_TEST)
        return self.encoded_events[-1]
