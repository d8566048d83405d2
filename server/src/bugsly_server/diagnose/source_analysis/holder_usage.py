"""Reads what a module does with one holder: where it adds entries, and whether it limits them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from bugsly_server.diagnose.source_analysis.capacity_limits import find_capacity_limit
from bugsly_server.diagnose.source_analysis.holder_spelling import HolderSpelling
from bugsly_server.diagnose.source_analysis.mutations import find_mutations
from bugsly_server.diagnose.source_analysis.syntax_trees import parse_source
from bugsly_server.diagnose.source_analysis.write_sites import WriteSite, find_write_sites

MAX_CACHED_USAGES = 64


@dataclass(frozen=True, slots=True)
class HolderUsage:
    """What a source does with one holder."""

    write_sites: tuple[WriteSite, ...]
    capacity_limit: int | None
    """The count at which the source stops it; `UNKNOWN_VALUE` where the count is not known."""
    removes_entries: bool
    """Whether anything removes entries from it."""


@lru_cache(MAX_CACHED_USAGES)
def analyse_usage(text: str, path: str, module: str) -> HolderUsage:
    """Return what *text*, the source of *module*, does with the holder at *path*.

    Nothing where the source cannot be parsed, or where the path has no name in it.
    """
    tree = parse_source(text)
    spelling = None if tree is None else HolderSpelling.in_module(tree, path, module)
    if tree is None or spelling is None:
        return HolderUsage((), None, removes_entries=False)
    mutations = find_mutations(tree, spelling)
    capacity_limit = find_capacity_limit(tree, mutations)
    return HolderUsage(
        find_write_sites(mutations),
        capacity_limit,
        removes_entries=mutations.removes_entries or capacity_limit is not None,
    )
