"""Gathers what the sources say about each growing holder: who adds to it, and what bounds it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from bugsly.protocol.evidence import Holder, ModuleSource
from bugsly_server.diagnose.growth.holder_growth import HolderGrowth
from bugsly_server.diagnose.heap.heap_attribution import GrowingHeapHolder
from bugsly_server.diagnose.heap.walked_heap import WalkedHeap
from bugsly_server.diagnose.source_analysis.holder_source import (
    NAME_PATTERN,
    HolderSource,
    SourceLine,
)
from bugsly_server.diagnose.source_analysis.holder_usage import analyse_usage
from bugsly_server.diagnose.source_analysis.source_index import SourceIndex, library_folder
from bugsly_server.diagnose.source_analysis.write_sites import WriteSite, choose_write_site

BOUND_KEYWORDS = re.compile(r"maxlen|maxsize|max_size")


def gather_holder_sources(
    growths: Iterable[HolderGrowth], walked: WalkedHeap | None, sources: SourceIndex
) -> dict[str, HolderSource]:
    """Return what *sources* say about each growing holder, counted or *walked*, by its name."""
    counted = [_of_counted(one, sources) for one in growths if one.is_steady or one.is_hint]
    growing = () if walked is None else walked.growing
    found = [*counted, *(_of_walked(one, sources) for one in growing)]
    return {source.holder.name: source for source in found}


def _of_counted(growth: HolderGrowth, sources: SourceIndex) -> HolderSource:
    """Return what the sources say about a holder that agents count."""
    holder, endpoint = growth.holder, growth.endpoint
    reading = sources.by_holder.get(holder.name)
    chosen = None if reading is None else choose_write_site(reading.usage.write_sites, endpoint)
    write_site, file = chosen, holder.file
    if reading is not None and chosen is not None:
        write_site, file = _in_its_file(chosen, reading.consulted)
    fed = replace(holder, file=file)
    return HolderSource(
        holder=fed,
        write_site=write_site,
        named_line=_named_line(fed, endpoint, sources),
        removes_entries=reading is not None and reading.usage.removes_entries,
        is_bounded=False,
        unread_module=None if reading is None else reading.unread_module,
    )


def _in_its_file(write_site: WriteSite, consulted: Sequence[ModuleSource]) -> tuple[WriteSite, str]:
    """Return *write_site* of the text of all *consulted* with its line in its own file."""
    line = write_site.line
    for source in consulted[:-1]:
        lines = source.text.count("\n") + 1
        if line <= lines:
            return replace(write_site, line=line), source.file
        line -= lines
    return replace(write_site, line=line), consulted[-1].file


def _of_walked(growing: GrowingHeapHolder, sources: SourceIndex) -> HolderSource:
    """Return what the sources of the modules that may own a walked holder say about it.

    The write site is from the first of them that has one.
    """
    holder, endpoint = growing.holder, growing.driver.attribution.endpoint
    known = [
        (source, path)
        for module, path in holder.owners
        if (source := sources.by_module.get(module)) is not None and source.text
    ]
    unread = (module for module, _ in holder.owners if module not in sources.by_module)
    usages = [(source, analyse_usage(source.text, path, source.module)) for source, path in known]
    source, usage = next(((one, used) for one, used in usages if used.write_sites), (None, None))
    file = next(unread, None) if source is None else source.file
    mentions_limit = any(BOUND_KEYWORDS.search(one.text) for one, _ in known)
    fed = Holder(
        name=holder.name,
        kind=holder.kind,
        entry=holder.path.entry,
        file=file or "",
        library=library_folder(file or "") or "",
    )
    return HolderSource(
        holder=fed,
        write_site=None if usage is None else choose_write_site(usage.write_sites, endpoint),
        named_line=_named_line(fed, endpoint, sources),
        removes_entries=any(used.removes_entries for _, used in usages),
        is_bounded=any(used.capacity_limit is not None for _, used in usages)
        or (mentions_limit and holder.may_be_bounded),
        unread_module=None,
    )


def _named_line(holder: Holder, endpoint: str | None, sources: SourceIndex) -> SourceLine | None:
    """Return the line of the application that adds to a library's *holder* by its name."""
    if not holder.library or holder.site or endpoint is None:
        return None
    *owners, last = NAME_PATTERN.findall(holder.name) or [""]
    for source in sources.by_file.values():
        if endpoint in source.views and any(owner in source.text for owner in owners[-1:]):
            path = f"{source.module}.{'.'.join(owners)}.{last}"
            usage = analyse_usage(source.text, path, source.module)
            write_site = choose_write_site(usage.write_sites, endpoint)
            if write_site is not None and write_site.function:
                return SourceLine(source, write_site.line)
    return None
