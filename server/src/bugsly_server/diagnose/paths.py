"""The way from a root to a holder: which names are on it, and whose source may tell of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from bugsly.protocol.evidence import Retainer, Source

KEYS = re.compile(r"\[[^\]]*\]")
NAME = re.compile(r"[^\W\d]\w*")
MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
MARKS = frozenset({"closure", "default", "local", "locals", "thread", "keys"})
"""What a probe writes between names, in angles."""
BUILT_IN = frozenset({"builtins", "collections", "threading", "functools", "types", "_thread"})
"""Modules of types whose source never says what an application does with them."""
ENTRY = "[*]"
CALL = "call"
"""The type of a root that is a call which goes on."""


def holder_name(retainer: Retainer) -> str:
    """Return the path without the step to its entries."""
    return retainer.path.removesuffix(ENTRY)


def of_any_thread(path: str) -> str:
    """Return the path of what every thread has its own of, without the number of a thread."""
    return re.sub(r"<thread \d+>", "<thread>", path)


def words(path: str) -> tuple[str, ...]:
    """Return the names on a path, whichever probe wrote it."""
    return tuple(name for name in NAME.findall(path) if name not in MARKS)


def modules(retainer: Retainer) -> Iterator[tuple[str, str]]:
    """Yield modules whose source may feed the holder, each with the path by which it would know it.

    First those of the types that own it, from the nearest on; last the module that it hangs on.
    """
    last = (words(KEYS.sub("", retainer.path)) or ("",))[-1]
    for hop in reversed(retainer.hops[:-1]):
        module, _, owner = hop.type.rpartition(".")
        if module and module not in BUILT_IN:
            yield module, f"{module}.{owner}.{last}"
    first = retainer.hops[0]
    root = first.name.rpartition(".")[0] if first.type == CALL else first.name
    if MODULE.fullmatch(root):
        yield root, holder_name(retainer)


def source_of(module: str, sources: Mapping[str, Source]) -> Source | None:
    """Return the source of *module*, or the one that says why there is none."""
    known = (one for one in sources.values() if module in {one.module, one.file})
    return next(known, None)


def library_of(file: str) -> str:
    """Return the folder among installed packages that *file* lies in, empty for all others."""
    found = re.search(r"/(?:site|dist)-packages/([^/]+)", file)
    return found[1].removesuffix(".py") if found else ""
