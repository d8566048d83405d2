"""Where the line is that feeds a holder: in its own module, or in the view that drives it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from bugsly.protocol.evidence import Holder, Source
from bugsly_server.diagnose.culprits import find_culprit
from bugsly_server.diagnose.feeds import Feed
from bugsly_server.model.diagnosis import Cause


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
    if holder.kind == "thread":
        started = in_view(cause, endpoint, sources)
        if started is not None:
            return started
    if holder.site:
        return Place(holder.site, _file_of(holder.site, sources.values()) or holder.file)
    fed = Place("", holder.file)
    if feed is not None and feed.function and holder.file in sources:
        fed = Place(site(sources[holder.file], feed.line), holder.file)
        if not holder.library:
            return fed
    return in_view(cause, endpoint, sources) or fed


def in_view(cause: Cause, endpoint: str, sources: Mapping[str, Source]) -> Place | None:
    """Return the line that *cause* is about in the view of *endpoint*."""
    found = find_culprit(cause, endpoint, iter(sources.values())) if endpoint else None
    return None if found is None else Place(site(found.source, found.line), found.source.file)


def site(source: Source, line: int) -> str:
    """Return a line of *source* as the agent writes lines: the module's path, and a number."""
    parts = source.module.count(".") + 1 + source.file.endswith("/__init__.py")
    return f"{'/'.join(source.file.split('/')[-parts:])}:{line}"


def _file_of(written: str, sources: Iterable[Source]) -> str:
    path = written.rpartition(":")[0]
    return next((one.file for one in sources if one.file.endswith(f"/{path}")), "")
