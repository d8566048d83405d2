"""Answers questions about the application's sources: who adds to a holder, and at which line.

The only module of this package that diagnosis calls.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bugsly.protocol.evidence import Holder, ModuleSource
from bugsly_server.diagnose.source_analysis.class_origins import imported_modules
from bugsly_server.diagnose.source_analysis.holder_usage import HolderUsage, analyse_usage
from bugsly_server.diagnose.source_analysis.suspect_calls import (
    OPENING_CALL_PATTERNS,
    SuspectCall,
    find_constructor_call,
    find_suspect_call,
)
from bugsly_server.diagnose.source_analysis.write_sites import WriteSite, choose_write_site
from bugsly_server.model.diagnosis import Cause, SourceLocation, is_symptom_kind

DEFINED_KINDS = frozenset({"thread", "receiver"})
"""Kinds whose probe knows the line that defines them, not the line that creates another."""
NAME_PATTERN = re.compile(r"[A-Za-z_]\w*")
BOUND_KEYWORDS = re.compile(r"maxlen|maxsize|max_size")


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderSource:
    """What the sources say about one holder that agents count."""

    usage: HolderUsage
    consulted: Sequence[ModuleSource]
    """Read as one text, in this order."""
    unread_module: str | None
    """A module that defines a class on the path to it, and was not requested yet."""

    def write_site_for(self, endpoint: str | None) -> tuple[WriteSite, str] | None:
        """Return the write site that *endpoint* most likely reaches, and its file."""
        write_site = choose_write_site(self.usage.write_sites, endpoint)
        if write_site is None:
            return None
        line = write_site.line
        for source in self.consulted:
            lines = source.text.count("\n") + 1
            if line <= lines:
                return replace(write_site, line=line), source.file
            line -= lines
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerSource:
    """What the sources of the modules that may own a holder say about it."""

    write_site: WriteSite | None = None
    file: str | None = None
    """The file with the write site; else a module whose source may say more, not requested yet."""
    has_limit: bool = False
    """Whether one of them limits its number of entries."""
    mentions_limit: bool = False
    """Whether one of them mentions a limit of anything, as `maxlen`."""
    removes_entries: bool = False

    @property
    def library(self) -> str | None:
        """Return the installed package that its file belongs to, None for other files."""
        return library_folder(self.file or "")


class SourceIndex:
    """The *sources* of an application, by file, and what they say about *holders*, by name."""

    def __init__(self, sources: Mapping[str, ModuleSource], holders: Mapping[str, Holder]) -> None:
        self._sources = sources
        found = ((name, self._read(holder)) for name, holder in holders.items())
        self.by_holder = {name: source for name, source in found if source is not None}

    @property
    def capacity_limits(self) -> dict[str, int]:
        """Return the number of entries at which the source stops a holder, by its name."""
        limits = ((name, one.usage.capacity_limit) for name, one in self.by_holder.items())
        return {name: limit for name, limit in limits if limit is not None}

    def _read(self, holder: Holder) -> HolderSource | None:
        """Return what the sources say about *holder*; None unless its own module was read."""
        own = self._sources.get(holder.file)
        if own is None or not own.text:
            return None
        origins = () if holder.library else imported_modules(own.text, own.module, holder.name)
        known = [self._of_module(one) for one in origins]
        unread = next((name for name, one in zip(origins, known, strict=True) if one is None), None)
        others = [
            one for one in known if one is not None and one.text and not library_folder(one.file)
        ]
        consulted = [*others, own]
        text = "\n".join(one.text for one in consulted)
        return HolderSource(
            usage=analyse_usage(text, holder.name, own.module),
            consulted=consulted,
            unread_module=unread,
        )

    def _of_module(self, module: str) -> ModuleSource | None:
        """Return the source of *module*, without a text where it cannot be read."""
        known = (one for one in self._sources.values() if module in {one.module, one.file})
        return next(known, None)

    def of_owners(self, owners: Iterable[tuple[str, str]], endpoint: str | None) -> OwnerSource:
        """Return what the sources of *owners* say about a holder.

        *owners* are modules, each with the path by which it would know the holder. The write site
        is from the first of them that has one, and most likely reached by *endpoint*.
        """
        found, unread = OwnerSource(), None
        for module, path in owners:
            source = self._of_module(module)
            if source is None:
                unread = unread or module
            if source is None or not source.text:
                continue
            usage = analyse_usage(source.text, path, source.module)
            found = replace(
                found,
                has_limit=found.has_limit or usage.capacity_limit is not None,
                mentions_limit=found.mentions_limit
                or BOUND_KEYWORDS.search(source.text) is not None,
                removes_entries=found.removes_entries or usage.removes_entries,
            )
            if found.write_site is None and usage.write_sites:
                write_site = choose_write_site(usage.write_sites, endpoint)
                found = replace(found, write_site=write_site, file=source.file)
        return found if found.write_site is not None else replace(found, file=unread)

    def locate_write(
        self, holder: Holder, write_site: WriteSite | None, cause: Cause, endpoint: str | None
    ) -> SourceLocation:
        """Return the line that feeds *holder*.

        A line that the probe saw comes first, then the application's code, then a library's.
        """
        patterns = (
            OPENING_CALL_PATTERNS
            if holder.kind == "descriptor"
            else _caller_patterns(holder, write_site)
        )
        if holder.kind in DEFINED_KINDS:
            defined = self.locate_in_view(cause, endpoint)
            if defined is not None:
                return defined
        if holder.site:
            file = self._file_of(holder.site) or holder.file or None
            return SourceLocation(site=holder.site, file=file)
        fallback = SourceLocation(site=None, file=holder.file or None)
        if is_symptom_kind(holder.kind):
            return self.locate_in_view(cause, endpoint, patterns) or fallback
        if write_site is not None and write_site.function and holder.file in self._sources:
            fallback = _location(self._sources[holder.file], write_site.line)
            if not holder.library:
                return fallback
        by_name = self._locate_by_name(holder, endpoint) if holder.library else None
        return by_name or self.locate_in_view(cause, endpoint, patterns) or fallback

    def locate_in_view(
        self, cause: Cause, endpoint: str | None, patterns: Sequence[str] = ()
    ) -> SourceLocation | None:
        """Return the line of the call that *cause* is about in the view of *endpoint*.

        A call that matches one of *patterns* comes first.
        """
        if endpoint is None:
            return None
        call = find_suspect_call(cause, endpoint, self._sources.values(), patterns)
        return _call_location(call)

    def locate_constructor(self, type_names: Iterable[str], endpoint: str) -> SourceLocation | None:
        """Return the line in the view of *endpoint* that creates one of *type_names*, in order."""
        found = (find_constructor_call(one, endpoint, self._sources.values()) for one in type_names)
        return _call_location(next((call for call in found if call is not None), None))

    def _locate_by_name(self, holder: Holder, endpoint: str | None) -> SourceLocation | None:
        """Return the line of the application that adds to a library's *holder* itself."""
        *owners, last = NAME_PATTERN.findall(holder.name) or [""]
        for source in self._sources.values():
            if endpoint in source.views and any(owner in source.text for owner in owners[-1:]):
                path = f"{source.module}.{'.'.join(owners)}.{last}"
                usage = analyse_usage(source.text, path, source.module)
                write_site = choose_write_site(usage.write_sites, endpoint)
                if write_site is not None and write_site.function:
                    return _location(source, write_site.line)
        return None

    def _file_of(self, site: str) -> str | None:
        path = site.rpartition(":")[0]
        known = (one.file for one in self._sources.values() if one.file.endswith(f"/{path}"))
        return next(known, None)


def library_folder(file: str) -> str | None:
    """Return the installed package that *file* belongs to, None for other files."""
    found = re.search(r"/(?:site|dist)-packages/([^/]+)", file)
    return found[1].removesuffix(".py") if found else None


def format_site(source: ModuleSource, line: int) -> str:
    """Return a line of *source* as the agent writes lines: the module's path, and a number."""
    parts = source.module.count(".") + 1 + source.file.endswith("/__init__.py")
    return f"{'/'.join(source.file.split('/')[-parts:])}:{line}"


def _location(source: ModuleSource, line: int) -> SourceLocation:
    return SourceLocation(site=format_site(source, line), file=source.file)


def _call_location(call: SuspectCall | None) -> SourceLocation | None:
    return None if call is None else _location(call.source, call.line)


def _caller_patterns(holder: Holder, write_site: WriteSite | None) -> tuple[str, ...]:
    """Return patterns of the application's calls into the library that keeps *holder*.

    They name the function or the class of the library that feeds it.
    """
    if not holder.library or write_site is None:
        return ()
    names = {*NAME_PATTERN.findall(holder.name), write_site.function} - {
        holder.name.rpartition(".")[2]
    }
    return (rf"^({'|'.join(sorted(one for one in names if not one.startswith('__')))})$",)
