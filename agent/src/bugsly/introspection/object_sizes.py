"""Measures single objects for the census and for the heap walker in Python."""

from __future__ import annotations

import gc
from types import FunctionType
from typing import Any

from bugsly.introspection import type_internals

GC_HEADER_BYTES = 16


def shallow_size(thing: Any) -> int:
    """Return the bytes of *thing* alone, as the nearest C type among its bases measures them."""
    for base in type_internals.mro(type(thing)):
        measure = type_internals.class_dict(base).get("__sizeof__")
        if measure is not None and type(measure) is not FunctionType:
            return _read_size(measure, thing) + (GC_HEADER_BYTES if gc.is_tracked(thing) else 0)
    return 0


def _read_size(measure: Any, thing: Any) -> int:
    try:
        size = measure(thing)
    except (TypeError, ValueError):
        return 0
    return size if type(size) is int else 0
