"""Where the line is that feeds a holder: in its own module, or in the view that drives it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from bugsly.protocol.evidence import Holder, Source
from bugsly_server.diagnose.culprits import OPENS, find_culprit
from bugsly_server.diagnose.feeds import Feed, choose, read
from bugsly_server.model.diagnosis import Cause, shows_only

DEFINED = frozenset({"thread", "receiver"})
"""Kinds whose probe knows the line that defines them, not the one that makes another."""

NAME = re.compile(r"[A-Za-z_]\w*")


class Place(NamedTuple):
    """A line as the agent writes lines, `shop/views.py:12`, and its file as the worker does."""

    site: str
    file: str


def locate(
    holder: Holder,
    feed: Feed | None,
    cause: Cause,
    endpoint: str,
    sources: Mapping[str, Source],
) -> Place:
    """Return where *holder* is fed: by the probe's word, the application's code, or a library's."""
    calls = OPENS if holder.kind == "descriptor" else _callers(holder, feed)
    if holder.kind in DEFINED:
        made = in_view(cause, endpoint, sources)
        if made is not None:
            return made
    if holder.site:
        return Place(holder.site, _file_of(holder.site, sources.values()) or holder.file)
    fed = Place("", holder.file)
    if shows_only(holder.kind):
        return in_view(cause, endpoint, sources, calls) or fed
    if feed is not None and feed.function and holder.file in sources:
        fed = Place(site(sources[holder.file], feed.line), holder.file)
        if not holder.library:
            return fed
    by_name = _by_name(holder, endpoint, sources.values()) if holder.library else None
    return by_name or in_view(cause, endpoint, sources, calls) or fed


def _by_name(holder: Holder, endpoint: str, sources: Iterable[Source]) -> Place | None:
    """Return the line of the application that adds to a library's *holder* itself."""
    *owners, last = NAME.findall(holder.name) or [""]
    for source in sources:
        if endpoint in source.views and any(owner in source.text for owner in owners[-1:]):
            path = f"{source.module}.{'.'.join(owners)}.{last}"
            feed = choose(read(source.text, path, source.module).feeds, endpoint)
            if feed is not None and feed.function:
                return Place(site(source, feed.line), source.file)
    return None


def _callers(holder: Holder, feed: Feed | None) -> tuple[str, ...]:
    """Return what calls of the application lead into the library that keeps *holder*.

    That is what the library calls the function or the class that feeds it.
    """
    if not holder.library or feed is None:
        return ()
    called = {*NAME.findall(holder.name), feed.function} - {holder.name.rpartition(".")[2]}
    return (rf"^({'|'.join(sorted(one for one in called if not one.startswith('__')))})$",)


def in_view(
    cause: Cause, endpoint: str, sources: Mapping[str, Source], calls: Sequence[str] = ()
) -> Place | None:
    """Return the line that *cause* is about in the view of *endpoint*, one of *calls* if any is."""
    found = find_culprit(cause, endpoint, sources.values(), calls) if endpoint else None
    return None if found is None else Place(site(found.source, found.line), found.source.file)


def site(source: Source, line: int) -> str:
    """Return a line of *source* as the agent writes lines: the module's path, and a number."""
    parts = source.module.count(".") + 1 + source.file.endswith("/__init__.py")
    return f"{'/'.join(source.file.split('/')[-parts:])}:{line}"


def _file_of(written: str, sources: Iterable[Source]) -> str:
    path = written.rpartition(":")[0]
    return next((one.file for one in sources if one.file.endswith(f"/{path}")), "")
