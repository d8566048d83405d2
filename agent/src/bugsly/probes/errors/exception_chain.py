"""Follows an exception to its causes and to the members of a group, for an event."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from bugsly.guard import call_or_default
from bugsly.introspection import type_internals
from bugsly.probes.errors.frames import frames_of
from bugsly.protocol.event import CapturedException

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from bugsly.probes.errors.safe_repr import SafeRepr

MAX_EXCEPTIONS = 10
MAX_VALUE_LENGTH = 4_000
STR_FAILED = "<str() of it failed>"
EXCEPTION_DICT: Any = BaseException.__dict__


class ChainLink(NamedTuple):
    """An exception, the number of its parent, and the attribute that leads to it."""

    error: BaseException
    parent: int | None = None
    source: str = ""


def exceptions_of(
    error: BaseException, safe_repr: SafeRepr | None
) -> tuple[CapturedException, ...]:
    """Return *error* and the exceptions it leads to, the closest first, each once."""
    queue = [ChainLink(error)]
    seen: set[int] = set()
    exceptions: list[CapturedException] = []
    while queue and len(exceptions) < MAX_EXCEPTIONS:
        link = queue.pop(0)
        if id(link.error) in seen:
            continue
        seen.add(id(link.error))
        exceptions.append(_describe_exception(link, len(exceptions), safe_repr))
        queue += _next_links(link.error, len(exceptions) - 1)
    return tuple(exceptions)


def traceback_of(error: BaseException) -> TracebackType | None:
    """Return the traceback of *error*, even if its class overrides attribute access."""
    found: TracebackType | None = EXCEPTION_DICT["__traceback__"].__get__(error)
    return found


def exception_text(error: BaseException) -> str:
    """Return `str(error)`, the one call of the application's code that an event needs."""
    return call_or_default(lambda: str.__str__(str(error))[: MAX_VALUE_LENGTH * 2], STR_FAILED)


def _describe_exception(
    link: ChainLink, number: int, safe_repr: SafeRepr | None
) -> CapturedException:
    kind = type(link.error)
    return CapturedException(
        type=type_internals.qualname_of(kind),
        module=""
        if type_internals.module_of(kind) == "builtins"
        else type_internals.module_of(kind),
        value=exception_text(link.error),
        frames=frames_of(traceback_of(link.error), safe_repr),
        number=number,
        parent=link.parent,
        source=link.source,
        group=_is_group(kind),
    )


def _next_links(error: BaseException, number: int) -> Iterator[ChainLink]:
    """Yield the cause or context that Python would print, and the members of a group."""
    cause = EXCEPTION_DICT["__cause__"].__get__(error)
    context = EXCEPTION_DICT["__context__"].__get__(error)
    if cause is not None:
        yield ChainLink(cause, number, "__cause__")
    elif context is not None and not EXCEPTION_DICT["__suppress_context__"].__get__(error):
        yield ChainLink(context, number, "__context__")
    if _is_group(type(error)):
        members: list[Any] = call_or_default(
            lambda: list(islice(getattr(error, "exceptions", ()), MAX_EXCEPTIONS)), []
        )
        for index, member in enumerate(members):
            if issubclass(type(member), BaseException):
                yield ChainLink(member, number, f"exceptions[{index}]")


def _is_group(kind: type) -> bool:
    """Return whether *kind* is an exception group, of Python or of the backport for 3.10."""
    return any(
        type_internals.qualname_of(base) == "BaseExceptionGroup"
        for base in type_internals.mro(kind)
    )
