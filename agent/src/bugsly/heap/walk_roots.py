"""Lists the roots of a walk for the heap probe: modules, applications and waiting greenlets.

The calls of threads are roots, too; a walker finds these by itself.
"""

from __future__ import annotations

import gc
import sys
from dataclasses import replace
from itertools import compress
from types import ModuleType
from typing import TYPE_CHECKING, Any

from bugsly.app_code import is_app_file
from bugsly.introspection import type_internals
from bugsly.introspection.definitions import defining_module

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import FrameType

    from bugsly.heap.snapshot import WalkRoots
    from bugsly.protocol.evidence import HeapHolder

LAST_MODULES = frozenset({"sys", "builtins", "gc", "__main__"})
"""Modules that refer to those of others, so that a path through them says little."""


def walk_roots(applications: Iterable[tuple[str, object]]) -> WalkRoots:
    """Return named roots, the application's modules first, the *applications* themselves last."""
    modules = [
        (name, module)
        for name, module in list(sys.modules.items())
        if type(name) is str and issubclass(type(module), ModuleType)
    ]
    modules.sort(key=_root_order)
    return [*modules, *applications]


def greenlet_frames() -> WalkRoots:
    """Return names and frames of the calls that wait in greenlets.

    Nothing lists greenlets, so this filters all objects, which takes less time than a collection.
    """
    kind: Any = getattr(sys.modules.get("greenlet"), "greenlet", None)
    frame: Any = getattr(kind, "gr_frame", None)
    if frame is None:
        return []
    kinds = set(_with_subclasses(kind))
    objects = gc.get_objects()
    waiting = compress(objects, map(kinds.__contains__, map(type, objects)))
    return [named for one in waiting for named in frames_from(frame.__get__(one))]


def frames_from(frame: FrameType | None) -> Iterator[tuple[str, FrameType]]:
    """Yield the names and frames of a call and of its callers."""
    while frame is not None:
        module, code = str(frame.f_globals.get("__name__", "?")), frame.f_code
        yield f"{module}.{getattr(code, 'co_qualname', code.co_name)}", frame
        frame = frame.f_back


def _with_subclasses(kind: type) -> Iterator[type]:
    yield kind
    subclasses: list[type] = type.__subclasses__(kind)
    for subclass in subclasses:
        yield from _with_subclasses(subclass)


def _root_order(named: tuple[str, ModuleType]) -> tuple[bool, bool, str]:
    name, module = named
    is_app = is_app_file(type_internals.module_dict(module).get("__file__"))
    return name in LAST_MODULES and not is_app, not is_app, name


def with_defining_module(holder: HeapHolder) -> HeapHolder:
    """Return *holder* with a path that begins in the module that defines its first step.

    `from shop.state import log` gives the list a second name.
    """
    module, first = holder.hops[0].name, holder.hops[1].name if len(holder.hops) > 1 else ""
    found: Any = sys.modules.get(module)
    held = type_internals.module_dict(found) if issubclass(type(found), ModuleType) else {}
    name = first.removeprefix(".")
    if not first.startswith(".") or name not in held:
        return holder
    defining = defining_module(held[name], name, module)
    prefix = f"{module}{first}"
    if defining == module or not holder.path.startswith(prefix):
        return holder
    hops = (replace(holder.hops[0], name=defining), *holder.hops[1:])
    return replace(holder, path=f"{defining}{first}{holder.path[len(prefix) :]}", hops=hops)
