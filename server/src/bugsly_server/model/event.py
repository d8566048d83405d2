"""An event: one exception or message, as any Sentry SDK reports it, in our terms.

Everything in it was bounded and scrubbed before. Values of locals and the like are texts: what
`repr` gave, cut short. What was not reported is empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from msgspec import Struct

from bugsly_server.clock import Micros


class StackFrame(Struct, frozen=True, kw_only=True):
    """One call of a stack, with the source around its line."""

    module: str = ""
    function: str = ""
    file: str = ""
    """As short as the SDK gives it: `shop/views.py`."""
    path: str = ""
    line: int = 0
    code: str = ""
    """The text of the line."""
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    in_app: bool = False
    locals: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class EventException:
    """One exception of a chain."""

    type: str
    module: str = ""
    value: str = ""
    frames: tuple[StackFrame, ...] = ()
    """Outermost call first, as in a Python traceback."""
    handled: bool = True
    relation: str = ""
    """To the one before it in the event: `cause`, `context`, `member` of a group, or empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Breadcrumb:
    """Something that happened before."""

    at: Micros
    category: str = ""
    level: str = ""
    message: str = ""
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRequest:
    """The HTTP request that was being answered."""

    method: str = ""
    url: str = ""
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorEvent:
    """What happened once."""

    id: str
    """32 hexadecimal digits, made by the client."""
    at: Micros
    """When the client says it happened, no later than it was received."""
    platform: str = "other"
    level: str = "error"
    message: str = ""
    """Of an event without an exception, and of a log record that carried one."""
    logger: str = ""
    exceptions: tuple[EventException, ...] = ()
    """The one that was caught first, then what led to it."""
    endpoint: str = ""
    """`GET /orders/<id>`, where it is known."""
    release: str = ""
    environment: str = ""
    server_name: str = ""
    user: str = ""
    sdk: str = ""
    """Name and version, as `bugsly 0.1.0`."""
    tags: Mapping[str, str] = field(default_factory=dict)
    contexts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    crumbs: tuple[Breadcrumb, ...] = ()
    """Oldest first."""
    asked: EventRequest | None = None
    fingerprint: tuple[str, ...] = ()
    """As the client wishes it; `{{ default }}` stands for ours."""
    worker: str = ""
    """Id of the worker it happened in, where the agent reports it."""
    memory: int = 0
    """Private memory of that worker then, bytes."""
