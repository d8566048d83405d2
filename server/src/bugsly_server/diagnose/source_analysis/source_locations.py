"""Where the line is that feeds a holder: in its own module, or in the view that drives it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from bugsly.protocol.evidence import Holder, ModuleSource
from bugsly_server.diagnose.source_analysis.suspect_calls import (
    OPENING_CALL_PATTERNS,
    find_suspect_call,
)
from bugsly_server.diagnose.source_analysis.write_sites import (
    WriteSite,
    analyse_usage,
    choose_write_site,
)
from bugsly_server.model.diagnosis import Cause, SourceLocation, is_symptom_kind

DEFINED_KINDS = frozenset({"thread", "receiver"})
"""Kinds whose probe knows the line that defines them, not the one that makes another."""

NAME_PATTERN = re.compile(r"[A-Za-z_]\w*")


def locate_write(
    holder: Holder,
    write_site: WriteSite | None,
    cause: Cause,
    endpoint: str | None,
    sources: Mapping[str, ModuleSource],
) -> SourceLocation:
    """Return where *holder* is fed: by the probe's word, the application's code, or a library's."""
    patterns = (
        OPENING_CALL_PATTERNS
        if holder.kind == "descriptor"
        else _caller_patterns(holder, write_site)
    )
    if holder.kind in DEFINED_KINDS:
        defined = locate_in_view(cause, endpoint, sources)
        if defined is not None:
            return defined
    if holder.site:
        file = _find_file(holder.site, sources.values()) or holder.file or None
        return SourceLocation(site=holder.site, file=file)
    fallback = SourceLocation(site=None, file=holder.file or None)
    if is_symptom_kind(holder.kind):
        return locate_in_view(cause, endpoint, sources, patterns) or fallback
    if write_site is not None and write_site.function and holder.file in sources:
        fallback = location_at(sources[holder.file], write_site.line)
        if not holder.library:
            return fallback
    by_name = _locate_by_name(holder, endpoint, sources.values()) if holder.library else None
    return by_name or locate_in_view(cause, endpoint, sources, patterns) or fallback


def _locate_by_name(
    holder: Holder, endpoint: str | None, sources: Iterable[ModuleSource]
) -> SourceLocation | None:
    """Return the line of the application that adds to a library's *holder* itself."""
    *owners, last = NAME_PATTERN.findall(holder.name) or [""]
    for source in sources:
        if endpoint in source.views and any(owner in source.text for owner in owners[-1:]):
            path = f"{source.module}.{'.'.join(owners)}.{last}"
            write_site = choose_write_site(
                analyse_usage(source.text, path, source.module).write_sites, endpoint
            )
            if write_site is not None and write_site.function:
                return location_at(source, write_site.line)
    return None


def _caller_patterns(holder: Holder, write_site: WriteSite | None) -> tuple[str, ...]:
    """Return what calls of the application lead into the library that keeps *holder*.

    That is what the library calls the function or the class that feeds it.
    """
    if not holder.library or write_site is None:
        return ()
    names = {*NAME_PATTERN.findall(holder.name), write_site.function} - {
        holder.name.rpartition(".")[2]
    }
    return (rf"^({'|'.join(sorted(one for one in names if not one.startswith('__')))})$",)


def locate_in_view(
    cause: Cause,
    endpoint: str | None,
    sources: Mapping[str, ModuleSource],
    patterns: Sequence[str] = (),
) -> SourceLocation | None:
    """Return the line that *cause* is about in the view of *endpoint*, one of *patterns* if any is."""
    call = find_suspect_call(cause, endpoint, sources.values(), patterns) if endpoint else None
    return None if call is None else location_at(call.source, call.line)


def location_at(source: ModuleSource, line: int) -> SourceLocation:
    """Return a line of *source*."""
    return SourceLocation(site=format_site(source, line), file=source.file)


def format_site(source: ModuleSource, line: int) -> str:
    """Return a line of *source* as the agent writes lines: the module's path, and a number."""
    parts = source.module.count(".") + 1 + source.file.endswith("/__init__.py")
    return f"{'/'.join(source.file.split('/')[-parts:])}:{line}"


def _find_file(site: str, sources: Iterable[ModuleSource]) -> str:
    path = site.rpartition(":")[0]
    return next((one.file for one in sources if one.file.endswith(f"/{path}")), "")
