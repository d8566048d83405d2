"""Follows an exception to what caused it and to what it is a group of."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from bugsly.guard import answer_of
from bugsly.probes.census import raw
from bugsly.probes.errors.frames import frames_of
from bugsly.protocol.event import Thrown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from bugsly.probes.errors.show import Show

MOST = 10
"""Exceptions of one event."""
LONGEST_VALUE = 4_000
NOT_TOLD = "<str() of it failed>"
FIELDS: Any = BaseException.__dict__


class Link(NamedTuple):
    """An exception with the number of its parent, and the attribute it was found in."""

    error: BaseException
    parent: int | None = None
    source: str = ""


def thrown_by(error: BaseException, show: Show | None) -> tuple[Thrown, ...]:
    """Return *error* and what it leads to, the closest first, each once."""
    waiting = [Link(error)]
    met: set[int] = set()
    thrown: list[Thrown] = []
    while waiting and len(thrown) < MOST:
        link = waiting.pop(0)
        if id(link.error) in met:
            continue
        met.add(id(link.error))
        thrown.append(_describe(link, len(thrown), show))
        waiting += _links(link.error, len(thrown) - 1)
    return tuple(thrown)


def traceback_of(error: BaseException) -> TracebackType | None:
    """Return the traceback of *error*, whatever its class makes of attributes."""
    found: TracebackType | None = FIELDS["__traceback__"].__get__(error)
    return found


def text_of(error: BaseException) -> str:
    """Return what *error* says of itself; only its class can tell."""
    return answer_of(lambda: str.__str__(str(error))[: LONGEST_VALUE * 2], NOT_TOLD)


def _describe(link: Link, number: int, show: Show | None) -> Thrown:
    kind = type(link.error)
    return Thrown(
        type=raw.name_of(kind),
        module="" if raw.module_of(kind) == "builtins" else raw.module_of(kind),
        value=text_of(link.error),
        frames=frames_of(traceback_of(link.error), show),
        number=number,
        parent=link.parent,
        source=link.source,
        group=_is_group(kind),
    )


def _links(error: BaseException, number: int) -> Iterator[Link]:
    """Yield the cause or the context of *error*, as Python would print it, and its members."""
    cause = FIELDS["__cause__"].__get__(error)
    context = FIELDS["__context__"].__get__(error)
    if cause is not None:
        yield Link(cause, number, "__cause__")
    elif context is not None and not FIELDS["__suppress_context__"].__get__(error):
        yield Link(context, number, "__context__")
    if _is_group(type(error)):
        members: list[Any] = answer_of(
            lambda: list(islice(getattr(error, "exceptions", ()), MOST)), []
        )
        for place, member in enumerate(members):
            if issubclass(type(member), BaseException):
                yield Link(member, number, f"exceptions[{place}]")


def _is_group(kind: type) -> bool:
    """Return whether *kind* is a group of Python's, or of the backport for 3.10."""
    return any(raw.name_of(base) == "BaseExceptionGroup" for base in raw.bases(kind))
