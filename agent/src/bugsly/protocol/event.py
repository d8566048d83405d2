"""The `event` item: one exception or message, written as Sentry's SDKs write theirs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone

ITEM_TYPE = "event"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One call of a stack, with the source around its line once that was read."""

    module: str
    function: str
    path: str
    line: int
    locals: Mapping[str, str] = field(default_factory=dict)
    file: str = ""
    """Below the nearest folder that Python imports from, as `shop/views.py`."""
    in_app: bool = False
    before: tuple[str, ...] = ()
    code: str = ""
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Thrown:
    """One exception of a chain or a group; its *parent* is the number of the one it belongs to."""

    type: str
    module: str
    value: str
    frames: tuple[Frame, ...] = ()
    """Outermost call first."""
    number: int = 0
    """0 is the one that was caught."""
    parent: int | None = None
    source: str = ""
    """The attribute of its parent it was found in: `__cause__`, `__context__`, `exceptions[0]`."""
    group: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Crumb:
    """Something that happened before."""

    at: float
    category: str
    level: str
    message: str
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The HTTP request that was being answered."""

    method: str
    url: str
    query: str
    headers: Mapping[str, str]
    body: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What happened once. *at* is in seconds since 1970."""

    id: str
    at: float
    level: str
    hook: str
    """Where it was caught: `flask`, `threading`, `excepthook`, `logging`, `wsgi`, `capture`."""
    handled: bool
    message: str = ""
    template: str = ""
    """The message before its arguments were put in."""
    logger: str = ""
    endpoint: str = ""
    user: str = ""
    thrown: tuple[Thrown, ...] = ()
    """The one that was caught first."""
    crumbs: tuple[Crumb, ...] = ()
    asked: Asked | None = None
    contexts: Mapping[str, Mapping[str, object]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What is the same in all events of a worker."""

    release: str
    environment: str
    server_name: str
    version: str
    """Of the agent."""


def encode_event(event: Event, origin: Origin) -> bytes:
    """Return *event* as Sentry's JSON, without what is empty."""
    written = {
        "event_id": event.id,
        "timestamp": _when(event.at),
        "platform": "python",
        "level": event.level,
        "logger": event.logger,
        "transaction": event.endpoint,
        "release": origin.release,
        "environment": origin.environment,
        "server_name": origin.server_name,
        "sdk": {"name": "bugsly", "version": origin.version},
        "user": {"id": event.user} if event.user else None,
        "logentry": _message(event),
        "request": _request(event.asked),
        "exception": _exception(event),
        "breadcrumbs": {"values": [_crumb(one) for one in event.crumbs]} if event.crumbs else None,
        "contexts": event.contexts,
    }
    text = json.dumps(_stated(written), ensure_ascii=False, separators=(",", ":"))
    return text.encode(errors="replace")


def _stated(written: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in written.items() if value not in (None, "", (), [], {})}


def _when(at: float) -> str:
    return datetime.fromtimestamp(at, timezone.utc).isoformat().replace("+00:00", "Z")


def _message(event: Event) -> dict[str, object]:
    template = event.template if event.template != event.message else ""
    return _stated({"message": template, "formatted": event.message})


def _request(asked: Asked | None) -> dict[str, object]:
    if asked is None:
        return {}
    return _stated(
        {
            "method": asked.method,
            "url": asked.url,
            "query_string": asked.query,
            "headers": asked.headers,
            "data": asked.body,
        }
    )


def _exception(event: Event) -> dict[str, object]:
    """Return the exceptions in Sentry's order: the one that was caught stands last."""
    return _stated({"values": [_thrown(one, event) for one in reversed(event.thrown)]})


def _thrown(thrown: Thrown, event: Event) -> dict[str, object]:
    caught = thrown.parent is None
    mechanism = {
        "type": event.hook if caught else "chained",
        "handled": event.handled,
        "exception_id": thrown.number,
        "parent_id": thrown.parent,
        "source": thrown.source,
        "is_exception_group": thrown.group or None,
    }
    frames = {"frames": [_frame(one) for one in thrown.frames]} if thrown.frames else None
    return _stated(
        {
            "type": thrown.type,
            "module": thrown.module,
            "value": thrown.value,
            "mechanism": _stated(mechanism),
            "stacktrace": frames,
        }
    )


def _frame(frame: Frame) -> dict[str, object]:
    written = {
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
    return {**_stated(written), "in_app": frame.in_app}


def _crumb(crumb: Crumb) -> dict[str, object]:
    return _stated(
        {
            "timestamp": _when(crumb.at),
            "type": "default",
            "category": crumb.category,
            "level": crumb.level,
            "message": crumb.message,
            "data": crumb.details,
        }
    )
