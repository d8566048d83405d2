"""Events, the errors they are made of, and what is sent of them."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from bugsly.events import EventDesk
from bugsly.guard import Guards
from bugsly.integrations.wsgi import CURRENT
from bugsly.probes.errors import Errors
from bugsly.probes.errors.errors import Caught, Voice
from bugsly.probes.errors.finish import finish
from bugsly.probes.errors.scope import Scopes
from bugsly.protocol.event import Event, Origin

ORIGIN = Origin(release="7", environment="test", server_name="web-1", version="1")
BY_TEST = Caught("test", handled=True)


def event(**changes: Any) -> Event:
    fields: dict[str, Any] = {
        "id": uuid4().hex,
        "at": 1_700_000_000.0,
        "level": "error",
        "hook": "flask",
        "handled": False,
    }
    return Event(**fields | changes)


def raised(failing: Callable[[], object]) -> BaseException:
    """Return what *failing* raises."""
    try:
        failing()
    except BaseException as error:  # noqa: BLE001 - whatever it is
        return error
    raise AssertionError("it was to fail")


class Catching:
    """The errors of a worker that nobody is told of."""

    def __init__(self, *, send_locals: bool = True) -> None:
        self.desk = EventDesk()
        self.guards = Guards()
        voice = Voice(lambda: True, lambda: None, lambda: "a" * 32)
        self.errors = Errors(
            self.desk,
            Scopes(CURRENT.get),
            voice,
            self.guards("errors"),
            send_locals=send_locals,
        )

    @property
    def sent(self) -> list[dict[str, Any]]:
        """Return what was made ready to be sent so far."""
        self.desk.finish(lambda one: finish(one, ORIGIN))
        return [json.loads(one) for one in self.desk.peek(1 << 30)]

    def catch(self, failing: Callable[[], object]) -> dict[str, Any]:
        """Return the event that comes of *failing*."""
        assert self.errors.capture(raised(failing), BY_TEST)
        return self.sent[-1]
