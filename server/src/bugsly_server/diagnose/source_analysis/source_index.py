"""Reads the sources of an application, and what they do with each holder that agents count."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bugsly.protocol.evidence import Holder, ModuleSource
from bugsly_server.diagnose.source_analysis.class_origins import imported_modules
from bugsly_server.diagnose.source_analysis.holder_usage import HolderUsage, analyse_usage


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderReading:
    """What the sources do with one holder that agents count."""

    usage: HolderUsage
    consulted: Sequence[ModuleSource]
    """Read as one text, in this order."""
    unread_module: str | None
    """A module that defines a class on the path to it, and was not requested yet."""


class SourceIndex:
    """The *sources* of an application, and what they do with *holders*, by name."""

    def __init__(self, sources: Mapping[str, ModuleSource], holders: Mapping[str, Holder]) -> None:
        self.by_file = sources
        self.by_module = {
            name: source
            for source in reversed(list(sources.values()))
            for name in (source.module, source.file)
        }
        """By the dotted name of the module, and by its file: the first source with either."""
        found = ((name, self._read(holder)) for name, holder in holders.items())
        self.by_holder = {name: reading for name, reading in found if reading is not None}

    @property
    def capacity_limits(self) -> dict[str, int]:
        """Return the number of entries at which the source stops a holder, by its name."""
        limits = ((name, one.usage.capacity_limit) for name, one in self.by_holder.items())
        return {name: limit for name, limit in limits if limit is not None}

    def _read(self, holder: Holder) -> HolderReading | None:
        """Return what the sources do with *holder*; None unless its own module was read."""
        own = self.by_file.get(holder.file)
        if own is None or not own.text:
            return None
        origins = () if holder.library else imported_modules(own.text, own.module, holder.name)
        known = [self.by_module[name] for name in origins if name in self.by_module]
        consulted = [
            *(one for one in known if one.text and library_folder(one.file) is None),
            own,
        ]
        text = "\n".join(one.text for one in consulted)
        return HolderReading(
            usage=analyse_usage(text, holder.name, own.module),
            consulted=consulted,
            unread_module=next((name for name in origins if name not in self.by_module), None),
        )


def library_folder(file: str) -> str | None:
    """Return the installed package that *file* belongs to, None for other files."""
    found = re.search(r"/(?:site|dist)-packages/([^/]+)", file)
    return found[1].removesuffix(".py") if found else None
