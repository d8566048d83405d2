"""Where a walk begins: the application's modules, then everybody else's, then the app itself.

And the calls in greenlets that wait; those in threads a walker finds by itself.
"""

from __future__ import annotations

import gc
import sys
from dataclasses import replace
from itertools import compress
from types import ModuleType
from typing import TYPE_CHECKING, Any

from bugsly.app_code import is_app_file
from bugsly.probes.census import type_internals
from bugsly.probes.census.canonical_names import defining_module
from bugsly.probes.census.census_roots import applications_by_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import FrameType

    from bugsly.heap.snapshot import WalkRoots
    from bugsly.protocol.evidence import HeapHolder

LAST_MODULES = frozenset({"sys", "builtins", "gc", "__main__"})
"""Modules that refer to others': a way through them is nobody's."""


def walk_roots(served: Iterable[object]) -> WalkRoots:
    """Return names and objects, those first whose names a person would choose."""
    modules = [
        (name, module)
        for name, module in list(sys.modules.items())
        if type(name) is str and issubclass(type(module), ModuleType)
    ]
    modules.sort(key=_root_order)
    return [*modules, *applications_by_name(served).items()]


def greenlet_frames() -> WalkRoots:
    """Return names and frames of the calls that go on in greenlets.

    Nothing lists them, so all objects are looked through, which takes less than to collect them.
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
    """Yield the names and frames of a call and of those that led to it."""
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
    """Return *holder* under the name that the defining module gives the thing of its first step.

    `from shop.state import log` gives the list a second name.
    """
    module, first = holder.hops[0].name, holder.hops[1].name if len(holder.hops) > 1 else ""
    found: Any = sys.modules.get(module)
    held = type_internals.module_dict(found) if issubclass(type(found), ModuleType) else {}
    name = first.removeprefix(".")
    if not first.startswith(".") or name not in held:
        return holder
    home = defining_module(held[name], name, module)
    begin = f"{module}{first}"
    if home == module or not holder.path.startswith(begin):
        return holder
    hops = (replace(holder.hops[0], name=home), *holder.hops[1:])
    return replace(holder, path=f"{home}{first}{holder.path[len(begin) :]}", hops=hops)
