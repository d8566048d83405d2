"""What the sources say of a holder: that of its module, and those its classes are imported from."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from bugsly.protocol.evidence import Holder, ModuleSource
from bugsly_server.diagnose.heap.holder_paths import find_source, library_folder, path_names
from bugsly_server.diagnose.source_analysis.mutations import constructor_calls_of, last_name
from bugsly_server.diagnose.source_analysis.write_sites import (
    MAX_CACHED_USAGES,
    HolderUsage,
    WriteSite,
    analyse_usage,
    choose_write_site,
    parse_source,
)


class SourcedUsage(NamedTuple):
    """What the application's sources say of one holder."""

    usage: HolderUsage
    sources: Sequence[ModuleSource]
    """Read as one, in this order."""
    missing_module: str | None
    """A module that defines a class on the way to it, and was not requested yet; None where there is none."""

    def write_site_for(self, endpoint: str | None) -> tuple[WriteSite, str] | None:
        """Return the feed that *endpoint* most likely runs into, and the file it is in."""
        write_site = choose_write_site(self.usage.write_sites, endpoint)
        if write_site is None:
            return None
        line = write_site.line
        for source in self.sources:
            lines = source.text.count("\n") + 1
            if line <= lines:
                return replace(write_site, line=line), source.file
            line -= lines
        return None


def look_up_usage(holder: Holder, sources: Mapping[str, ModuleSource]) -> SourcedUsage | None:
    """Return what *sources* say of *holder*; None where that of its module is not known."""
    own = sources.get(holder.file)
    if own is None or not own.text:
        return None
    origins = () if holder.library else _import_origins(own.text, own.module, holder.name)
    known = [find_source(one, sources) for one in origins]
    missing_module = next((m for m, one in zip(origins, known, strict=True) if one is None), None)
    others = [one for one in known if one is not None and one.text and not library_folder(one.file)]
    consulted = [*others, own]
    text = "\n".join(one.text for one in consulted)
    return SourcedUsage(analyse_usage(text, holder.name, own.module), consulted, missing_module)


@lru_cache(MAX_CACHED_USAGES)
def _import_origins(text: str, module: str, path: str) -> tuple[str, ...]:
    """Return the modules that *text* imports the classes from, of which what is on *path* is."""
    tree = parse_source(text)
    return () if tree is None else tuple(dict.fromkeys(_imported_modules(tree, module, path)))


def _imported_modules(tree: ast.Module, module: str, path: str) -> Iterator[str]:
    constructors = {
        last_name(call.func)
        for name in path_names(path.removeprefix(module))
        for call in constructor_calls_of(name, tree)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and any(
            (one.asname or one.name) in constructors for one in node.names
        ):
            package = module.split(".")[: -node.level] if node.level else []
            origin = [*package, *(node.module or "").split(".")]
            if origin[0] not in sys.stdlib_module_names:
                yield ".".join(name for name in origin if name)
