"""What the sources say of a holder: that of its module, and those its classes are imported from."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from bugsly.protocol.evidence import Holder, Source
from bugsly_server.diagnose.feeds import KEPT_READINGS, Feed, Reading, choose, parse, read
from bugsly_server.diagnose.paths import library_of, source_of, words
from bugsly_server.diagnose.touches import last_name, makers_of


class Told(NamedTuple):
    """What the application's sources say of one holder."""

    reading: Reading
    sources: Sequence[Source]
    """Read as one, in this order."""
    missing: str
    """A module that defines a class on the way to it, and was not asked for yet."""

    def fed_by(self, endpoint: str) -> tuple[Feed, str] | None:
        """Return the feed that *endpoint* most likely runs into, and the file it is in."""
        feed = choose(self.reading.feeds, endpoint)
        if feed is None:
            return None
        line = feed.line
        for source in self.sources:
            lines = source.text.count("\n") + 1
            if line <= lines:
                return replace(feed, line=line), source.file
            line -= lines
        return None


def tell(holder: Holder, sources: Mapping[str, Source]) -> Told | None:
    """Return what *sources* say of *holder*; None where that of its module is not known."""
    own = sources.get(holder.file)
    if own is None or not own.text:
        return None
    modules = () if holder.library else _homes(own.text, own.module, holder.name)
    known = [source_of(one, sources) for one in modules]
    missing = next((m for m, one in zip(modules, known, strict=True) if one is None), "")
    others = [one for one in known if one is not None and one.text and not library_of(one.file)]
    whole = [*others, own]
    text = "\n".join(one.text for one in whole)
    return Told(read(text, holder.name, own.module), whole, missing)


@lru_cache(KEPT_READINGS)
def _homes(text: str, module: str, path: str) -> tuple[str, ...]:
    """Return the modules that *text* imports the classes from, of which what is on *path* is."""
    tree = parse(text)
    return () if tree is None else tuple(dict.fromkeys(_imported(tree, module, path)))


def _imported(tree: ast.Module, module: str, path: str) -> Iterator[str]:
    made = {
        last_name(call.func)
        for name in words(path.removeprefix(module))
        for call in makers_of(name, tree)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and any(
            (one.asname or one.name) in made for one in node.names
        ):
            package = module.split(".")[: -node.level] if node.level else []
            home = [*package, *(node.module or "").split(".")]
            if home[0] not in sys.stdlib_module_names:
                yield ".".join(name for name in home if name)
