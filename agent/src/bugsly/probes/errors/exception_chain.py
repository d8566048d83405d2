"""Follows an exception to its causes and to the members of a group, for an event."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Any, NamedTuple

from bugsly.introspection import type_internals
from bugsly.introspection.builtin_text import has_builtin_text
from bugsly.probes.errors.frames import frames_of
from bugsly.probes.errors.timed_texts import TextSource
from bugsly.protocol.event import CapturedException

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from bugsly.probes.errors.safe_repr import SafeRepr
    from bugsly.probes.errors.timed_texts import TimedTexts

MAX_EXCEPTIONS = 10
MAX_VALUE_LENGTH = 4_000
EXCEPTION_DICT: Any = BaseException.__dict__
BUILTIN_GROUP: Any = getattr(builtins, "BaseExceptionGroup", None)


class ChainLink(NamedTuple):
    """An exception, the number of its parent, and the attribute that leads to it."""

    error: BaseException
    parent: int | None = None
    source: str = ""


def exceptions_of(
    error: BaseException, safe_repr: SafeRepr | None, timed_texts: TimedTexts
) -> tuple[CapturedException, ...]:
    """Return *error* and the exceptions it leads to, the closest first, each once."""
    links = _chain_of(error)
    texts = timed_texts.read([text_source(link.error) for link in links])
    return tuple(
        _describe_exception(link, number, text, safe_repr)
        for number, (link, text) in enumerate(zip(links, texts, strict=True))
    )


def _chain_of(error: BaseException) -> list[ChainLink]:
    queue = [ChainLink(error)]
    seen: set[int] = set()
    links: list[ChainLink] = []
    while queue and len(links) < MAX_EXCEPTIONS:
        link = queue.pop(0)
        if id(link.error) in seen:
            continue
        seen.add(id(link.error))
        links.append(link)
        queue += _next_links(link.error, len(links) - 1)
    return links


def traceback_of(error: BaseException) -> TracebackType | None:
    """Return the traceback of *error*, even if its class overrides attribute access."""
    found: TracebackType | None = EXCEPTION_DICT["__traceback__"].__get__(error)
    return found


def text_source(error: BaseException) -> TextSource:
    """Return the source of `str(error)`, the one call of the application's code."""
    return TextSource(
        kind=type_internals.full_name(type(error)),
        make=lambda: str.__str__(str(error))[: MAX_VALUE_LENGTH * 2],
        is_quick=has_builtin_text(error),
    )


def _describe_exception(
    link: ChainLink, number: int, text: str, safe_repr: SafeRepr | None
) -> CapturedException:
    kind = type(link.error)
    return CapturedException(
        type=type_internals.qualname_of(kind),
        module=""
        if type_internals.module_of(kind) == "builtins"
        else type_internals.module_of(kind),
        value=text,
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
        for index, member in enumerate(_members_of(error)):
            if issubclass(type(member), BaseException):
                yield ChainLink(member, number, f"exceptions[{index}]")


def _members_of(error: BaseException) -> tuple[Any, ...]:
    """Return the first members of a group; the backport for 3.10 keeps them in an attribute."""
    if BUILTIN_GROUP is not None and issubclass(type(error), BUILTIN_GROUP):
        members = vars(BUILTIN_GROUP)["exceptions"].__get__(error)
    else:
        read = type_internals.dict_getter(type(error))
        members = None if read is None else dict.get(read(error), "_exceptions")
    return members[:MAX_EXCEPTIONS] if type(members) is tuple else ()


def _is_group(kind: type) -> bool:
    """Return whether *kind* is an exception group, of Python or of the backport for 3.10."""
    return any(
        type_internals.qualname_of(base) == "BaseExceptionGroup"
        for base in type_internals.mro(kind)
    )
