"""Events as JSON and as values, each whole with no argument given."""

from typing import Any

import msgspec

from bugsly_server.model.event import ErrorEvent, EventException, StackFrame


def frame(function: str = "checkout", **changes: Any) -> StackFrame:
    fields: dict[str, Any] = {
        "module": "shop.views",
        "function": function,
        "file": "shop/views.py",
        "path": "/srv/shop/views.py",
        "line": 31,
        "code": "    total += line.price",
        "in_app": True,
    }
    return StackFrame(**(fields | changes))


def library_frame(function: str = "dispatch_request") -> StackFrame:
    return frame(function, module="flask.app", file="flask/app.py", in_app=False)


def exception_value(*frames: StackFrame, **changes: Any) -> EventException:
    fields: dict[str, Any] = {"type": "KeyError", "value": "'currency'"}
    return EventException(**(fields | changes), frames=frames)


def event(*exceptions: EventException, **changes: Any) -> ErrorEvent:
    fields: dict[str, Any] = {"id": "a" * 32, "at": 0}
    return ErrorEvent(**(fields | changes), exceptions=exceptions)


def sdk_event(number: int = 1, kind: str = "KeyError", **changes: Any) -> dict[str, Any]:
    """Return the JSON of an event as sentry-sdk sends it."""
    stack = [
        {"module": "flask.app", "function": "dispatch_request", "filename": "flask/app.py"},
        {
            "module": "shop.views",
            "function": "checkout",
            "filename": "shop/views.py",
            "lineno": 31,
            "context_line": "    total += line.price",
            "in_app": True,
            "vars": {"line": "None"},
        },
    ]
    exception = {"type": kind, "value": "'currency'", "stacktrace": {"frames": stack}}
    whole_event = {
        "event_id": f"{number:032x}",
        "platform": "python",
        "exception": {"values": [exception]},
        "release": "1.0",
        "environment": "production",
    }
    return whole_event | changes


def payload(number: int = 1, kind: str = "KeyError", **changes: Any) -> bytes:
    return msgspec.json.encode(sdk_event(number, kind, **changes))
