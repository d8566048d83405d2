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

from bugsly.own import is_own
from bugsly.probes.census import raw
from bugsly.probes.census.naming import home_of
from bugsly.probes.census.roots import apps

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import FrameType

    from bugsly.heap.snapshot import Roots
    from bugsly.protocol.evidence import Retainer

LAST = frozenset({"sys", "builtins", "gc", "__main__"})
"""Modules that refer to others': a way through them is nobody's."""


def roots(served: Iterable[object]) -> Roots:
    """Return names and objects, those first whose names a person would choose."""
    modules = [
        (name, module)
        for name, module in list(sys.modules.items())
        if type(name) is str and issubclass(type(module), ModuleType)
    ]
    modules.sort(key=_rank)
    return [*modules, *apps(served).items()]


def greenlet_calls() -> Roots:
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
    return [named for one in waiting for named in calls_from(frame.__get__(one))]


def calls_from(frame: FrameType | None) -> Iterator[tuple[str, FrameType]]:
    """Yield the names and frames of a call and of those that led to it."""
    while frame is not None:
        module, code = str(frame.f_globals.get("__name__", "?")), frame.f_code
        yield f"{module}.{getattr(code, 'co_qualname', code.co_name)}", frame
        frame = frame.f_back


def _with_subclasses(kind: type) -> Iterator[type]:
    yield kind
    below: list[type] = type.__subclasses__(kind)
    for one in below:
        yield from _with_subclasses(one)


def _rank(named: tuple[str, ModuleType]) -> tuple[bool, bool, str]:
    name, module = named
    own = is_own(raw.module_dict(module).get("__file__"))
    return name in LAST and not own, not own, name


def at_home(retainer: Retainer) -> Retainer:
    """Return *retainer* under the name that the defining module gives the thing of its first step.

    `from shop.state import log` gives the list a second name.
    """
    module, first = retainer.hops[0].name, retainer.hops[1].name if len(retainer.hops) > 1 else ""
    found: Any = sys.modules.get(module)
    held = raw.module_dict(found) if issubclass(type(found), ModuleType) else {}
    name = first.removeprefix(".")
    if not first.startswith(".") or name not in held:
        return retainer
    home = home_of(held[name], name, module)
    begin = f"{module}{first}"
    if home == module or not retainer.path.startswith(begin):
        return retainer
    hops = (replace(retainer.hops[0], name=home), *retainer.hops[1:])
    return replace(retainer, path=f"{home}{first}{retainer.path[len(begin) :]}", hops=hops)
