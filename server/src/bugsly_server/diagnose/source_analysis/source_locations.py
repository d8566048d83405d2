"""Names the line of the application that feeds a holder, or makes what a cause is about."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from bugsly.protocol.evidence import Holder, ModuleSource
from bugsly_server.diagnose.source_analysis.holder_source import (
    NAME_PATTERN,
    HolderSource,
    SourceLine,
)
from bugsly_server.diagnose.source_analysis.source_index import SourceIndex
from bugsly_server.diagnose.source_analysis.suspect_calls import (
    OPENING_CALL_PATTERNS,
    find_constructor_call,
    find_suspect_call,
)
from bugsly_server.diagnose.source_analysis.write_sites import WriteSite
from bugsly_server.model.diagnosis import (
    UNKNOWN_LOCATION,
    Diagnosis,
    SourceLocation,
    is_symptom_kind,
)

DEFINED_KINDS = frozenset({"thread", "receiver"})
"""Kinds whose probe knows the line that defines them, not the line that creates another."""


def locate_causes(
    diagnoses: Iterable[Diagnosis],
    holder_sources: Mapping[str, HolderSource],
    sources: SourceIndex,
) -> list[Diagnosis]:
    """Return *diagnoses* with the line that each is about.

    For a holder, of *holder_sources* by its name, that is the line that feeds it; for others the
    call in the view of their endpoint.
    """
    return [
        replace(one, location=_locate(one, holder_sources.get(one.holder_name or ""), sources))
        for one in diagnoses
    ]


def locate_constructor(
    type_names: Collection[str], endpoint: str, sources: SourceIndex
) -> SourceLocation | None:
    """Return the line in the view of *endpoint* that creates one of *type_names*, in order."""
    call = find_constructor_call(type_names, endpoint, sources.by_file.values())
    return None if call is None else _location(call)


def _locate(diagnosis: Diagnosis, fed: HolderSource | None, sources: SourceIndex) -> SourceLocation:
    endpoint = diagnosis.attribution.endpoint
    patterns = () if fed is None else _call_patterns(fed.holder, fed.write_site)
    call = (
        None
        if endpoint is None
        else find_suspect_call(diagnosis.cause, endpoint, sources.by_file.values(), patterns)
    )
    if fed is None:
        return UNKNOWN_LOCATION if call is None else _location(call)
    return replace(_locate_write(fed, call, sources), unread_module=fed.unread_module)


def _locate_write(
    fed: HolderSource, call: SourceLine | None, sources: SourceIndex
) -> SourceLocation:
    """Return the line that feeds the holder of *fed*; *call* is the suspect in its view.

    A line that the probe saw comes first, then the application's code, then a library's.
    """
    holder, write_site = fed.holder, fed.write_site
    file = holder.file or None
    if holder.kind in DEFINED_KINDS and call is not None:
        return _location(call)
    if holder.site:
        return SourceLocation(site=holder.site, file=_file_of(holder.site, sources) or file)
    if is_symptom_kind(holder.kind):
        return SourceLocation(site=None, file=file) if call is None else _location(call)
    own = sources.by_file.get(holder.file)
    written = (
        SourceLine(own, write_site.line)
        if own is not None and write_site is not None and write_site.function
        else None
    )
    candidates = (fed.named_line, call, written) if holder.library else (written, call)
    line = next((one for one in candidates if one is not None), None)
    return SourceLocation(site=None, file=file) if line is None else _location(line)


def _call_patterns(holder: Holder, write_site: WriteSite | None) -> tuple[str, ...]:
    """Return patterns of the calls that feed *holder*, besides those of its cause.

    In a library they name the function or the class that adds to it.
    """
    if holder.kind in DEFINED_KINDS:
        return ()
    if holder.kind == "descriptor":
        return OPENING_CALL_PATTERNS
    if not holder.library or write_site is None:
        return ()
    names = {*NAME_PATTERN.findall(holder.name), write_site.function} - {
        holder.name.rpartition(".")[2]
    }
    return (rf"^({'|'.join(sorted(one for one in names if not one.startswith('__')))})$",)


def _file_of(site: str, sources: SourceIndex) -> str | None:
    path = site.rpartition(":")[0]
    known = (one.file for one in sources.by_file.values() if one.file.endswith(f"/{path}"))
    return next(known, None)


def _location(line: SourceLine) -> SourceLocation:
    return SourceLocation(site=format_site(line.source, line.line), file=line.source.file)


def format_site(source: ModuleSource, line: int) -> str:
    """Return a line of *source* as the agent writes lines: the module's path, and a number."""
    parts = source.module.count(".") + 1 + source.file.endswith("/__init__.py")
    return f"{'/'.join(source.file.split('/')[-parts:])}:{line}"
