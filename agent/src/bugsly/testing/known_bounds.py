"""Finds a holder in this process and says whether it still fills up to a bound of its own."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bugsly.protocol.evidence import HeapHolder


def is_still_filling(holder: HeapHolder) -> bool:
    """Return whether *holder* has a largest size: a `maxlen`, a `maxsize`, a capacity."""
    found = _find(holder)
    return found is not None and _bound_of(found) is not None


def _find(holder: HeapHolder) -> Any:
    """Return the object at the path of *holder*, or the last one on the way that has a bound."""
    found: Any = sys.modules.get(holder.hops[0].name)
    for hop in holder.hops[1:]:
        inner = _step(found, hop.name)
        if inner is None:
            return found if _bound_of(found) is not None else None
        found = inner
    return found


def _step(owner: Any, name: str) -> Any:
    if owner is None or not name.startswith("."):
        return None
    try:
        return getattr(owner, name[1:], None)
    except Exception:  # noqa: BLE001 - a property of the application may raise anything
        return None


def _bound_of(found: Any) -> int | None:
    """Return the largest number of entries of *found*, None where it has none."""
    try:
        parameters = getattr(found, "cache_parameters", None)
        if callable(parameters):
            largest = parameters().get("maxsize")
            return largest if type(largest) is int else None
        for name in ("maxlen", "maxsize", "capacity"):
            size: Any = getattr(found, name, None)
            if type(size) in {int, float} and 0 < size < sys.maxsize:
                return int(size)
    except Exception:  # noqa: BLE001 - a property of the application may raise anything
        return None
    return None
