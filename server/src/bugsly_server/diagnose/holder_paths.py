"""Reads the path from a root to a holder: the names on it, and the modules that may feed it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bugsly.protocol.evidence import HeapHolder

KEY_PATTERN = re.compile(r"\[[^\]]{0,500}\]")
NAME_PATTERN = re.compile(r"[^\W\d]\w*")
MODULE_PATTERN = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
PATH_MARKERS = frozenset({"closure", "default", "local", "locals", "thread", "keys"})
"""Words that a probe writes between names, in angle brackets."""
BUILT_IN_MODULES = frozenset(
    {"builtins", "collections", "threading", "functools", "types", "_thread"}
)
"""Modules of types that applications use, and that never feed a holder themselves."""
ENTRY_STEP = "[*]"
CALL_ROOT_TYPE = "call"
"""The type of a root that is a call in progress."""


def holder_name(heap_holder: HeapHolder) -> str:
    """Return the path without the step to its entries."""
    return heap_holder.path.removesuffix(ENTRY_STEP)


def path_names(path: str) -> tuple[str, ...]:
    """Return the names on a path, in whichever notation a probe wrote it."""
    return tuple(name for name in NAME_PATTERN.findall(path) if name not in PATH_MARKERS)


def owner_modules(heap_holder: HeapHolder) -> Iterator[tuple[str, str]]:
    """Yield modules that may feed the holder, each with the path by which it would know the holder.

    The modules of the types that own it come first, the nearest owner leading; the module at its
    root comes last.
    """
    last = (path_names(KEY_PATTERN.sub("", heap_holder.path)) or ("",))[-1]
    for hop in reversed(heap_holder.hops[:-1]):
        module, _, owner = hop.type.rpartition(".")
        if module and module not in BUILT_IN_MODULES:
            yield module, f"{module}.{owner}.{last}"
    first = heap_holder.hops[0]
    root = first.name.rpartition(".")[0] if first.type == CALL_ROOT_TYPE else first.name
    if MODULE_PATTERN.fullmatch(root):
        yield root, holder_name(heap_holder)
