"""Events as JSON and as values, each whole with no argument given."""

from typing import Any

import msgspec

from bugsly_server.model.event import Event, Frame, Thrown


def frame(function: str = "checkout", **changes: Any) -> Frame:
    fields: dict[str, Any] = {
        "module": "shop.views",
        "function": function,
        "file": "shop/views.py",
        "path": "/srv/shop/views.py",
        "line": 31,
        "code": "    total += line.price",
        "in_app": True,
    }
    return Frame(**(fields | changes))


def library(function: str = "dispatch_request") -> Frame:
    return frame(function, module="flask.app", file="flask/app.py", in_app=False)


def thrown(*frames: Frame, **changes: Any) -> Thrown:
    fields: dict[str, Any] = {"type": "KeyError", "value": "'currency'"}
    return Thrown(**(fields | changes), frames=frames)


def event(*exceptions: Thrown, **changes: Any) -> Event:
    fields: dict[str, Any] = {"id": "a" * 32, "at": 0}
    return Event(**(fields | changes), exceptions=exceptions)


def told(number: int = 1, kind: str = "KeyError", **changes: Any) -> dict[str, Any]:
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
    whole = {
        "event_id": f"{number:032x}",
        "platform": "python",
        "exception": {"values": [exception]},
        "release": "1.0",
        "environment": "production",
    }
    return whole | changes


def payload(number: int = 1, kind: str = "KeyError", **changes: Any) -> bytes:
    return msgspec.json.encode(told(number, kind, **changes))
