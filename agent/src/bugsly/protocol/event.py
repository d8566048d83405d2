"""The `event` item: one exception or message, in the format of Sentry's SDKs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone

ITEM_TYPE = "event"


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturedFrame:
    """One frame of a stack, with the source around its line once that was read."""

    module: str
    function: str
    path: str
    line: int
    locals: Mapping[str, str] = field(default_factory=dict)
    file: str = ""
    """Relative to the nearest folder that Python imports from: `shop/views.py`."""
    in_app: bool = False
    before: tuple[str, ...] = ()
    code: str = ""
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturedException:
    """One exception of a chain or a group; its *parent* is the number of the one it belongs to."""

    type: str
    module: str
    value: str
    frames: tuple[CapturedFrame, ...] = ()
    """Outermost call first."""
    number: int = 0
    """0 is the exception that was caught."""
    parent: int | None = None
    source: str = ""
    """The attribute of its parent it was found in: `__cause__`, `__context__`, `exceptions[0]`."""
    group: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturedBreadcrumb:
    """Something that happened before the event."""

    at: float
    category: str
    level: str
    message: str
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturedRequest:
    """The HTTP request in progress."""

    method: str
    url: str
    query: str
    headers: Mapping[str, str]
    body: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturedEvent:
    """One error or message. *at* is in seconds since 1970."""

    id: str
    at: float
    level: str
    hook: str
    """Where it was caught: `flask`, `threading`, `excepthook`, `logging`, `wsgi`, `capture`."""
    handled: bool
    message: str = ""
    template: str = ""
    """The message before its arguments were inserted."""
    logger: str = ""
    endpoint: str = ""
    user: str = ""
    thrown: tuple[CapturedException, ...] = ()
    """The exception that was caught comes first."""
    crumbs: tuple[CapturedBreadcrumb, ...] = ()
    asked: CapturedRequest | None = None
    contexts: Mapping[str, Mapping[str, object]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventOrigin:
    """What all events of a worker have in common."""

    release: str
    environment: str
    server_name: str
    version: str
    """Of the agent."""


def encode_event(event: CapturedEvent, origin: EventOrigin) -> bytes:
    """Return *event* as Sentry's JSON, without empty values."""
    payload = {
        "event_id": event.id,
        "timestamp": _timestamp(event.at),
        "platform": "python",
        "level": event.level,
        "logger": event.logger,
        "transaction": event.endpoint,
        "release": origin.release,
        "environment": origin.environment,
        "server_name": origin.server_name,
        "sdk": {"name": "bugsly", "version": origin.version},
        "user": {"id": event.user} if event.user else None,
        "logentry": _logentry(event),
        "request": _request(event.asked),
        "exception": _exception(event),
        "breadcrumbs": {"values": [_breadcrumb(one) for one in event.crumbs]}
        if event.crumbs
        else None,
        "contexts": event.contexts,
    }
    text = json.dumps(_without_empty(payload), ensure_ascii=False, separators=(",", ":"))
    return text.encode(errors="replace")


def _without_empty(payload: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in payload.items() if value not in (None, "", (), [], {})}


def _timestamp(at: float) -> str:
    return datetime.fromtimestamp(at, timezone.utc).isoformat().replace("+00:00", "Z")


def _logentry(event: CapturedEvent) -> dict[str, object]:
    template = event.template if event.template != event.message else ""
    return _without_empty({"message": template, "formatted": event.message})


def _request(request: CapturedRequest | None) -> dict[str, object]:
    if request is None:
        return {}
    return _without_empty(
        {
            "method": request.method,
            "url": request.url,
            "query_string": request.query,
            "headers": request.headers,
            "data": request.body,
        }
    )


def _exception(event: CapturedEvent) -> dict[str, object]:
    """Return the exceptions in Sentry's order: the caught one last."""
    return _without_empty(
        {"values": [_exception_value(one, event) for one in reversed(event.thrown)]}
    )


def _exception_value(exception: CapturedException, event: CapturedEvent) -> dict[str, object]:
    is_caught = exception.parent is None
    mechanism = {
        "type": event.hook if is_caught else "chained",
        "handled": event.handled,
        "exception_id": exception.number,
        "parent_id": exception.parent,
        "source": exception.source,
        "is_exception_group": exception.group or None,
    }
    frames = {"frames": [_frame(one) for one in exception.frames]} if exception.frames else None
    return _without_empty(
        {
            "type": exception.type,
            "module": exception.module,
            "value": exception.value,
            "mechanism": _without_empty(mechanism),
            "stacktrace": frames,
        }
    )


def _frame(frame: CapturedFrame) -> dict[str, object]:
    payload = {
        "module": frame.module,
        "function": frame.function,
        "filename": frame.file,
        "abs_path": frame.path,
        "lineno": frame.line,
        "pre_context": frame.before,
        "context_line": frame.code,
        "post_context": frame.after,
        "vars": frame.locals,
    }
    return {**_without_empty(payload), "in_app": frame.in_app}


def _breadcrumb(breadcrumb: CapturedBreadcrumb) -> dict[str, object]:
    return _without_empty(
        {
            "timestamp": _timestamp(breadcrumb.at),
            "type": "default",
            "category": breadcrumb.category,
            "level": breadcrumb.level,
            "message": breadcrumb.message,
            "data": breadcrumb.details,
        }
    )
