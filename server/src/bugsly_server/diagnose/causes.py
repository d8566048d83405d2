"""Names the cause of a holder's growth."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bugsly.protocol.evidence import Holder
from bugsly_server.diagnose.entry_types import (
    PROCESS_TYPES,
    REQUEST_KEEPING_TYPES,
    REUSABLE_TYPES,
)
from bugsly_server.diagnose.source_analysis.holder_source import HolderSource
from bugsly_server.model.diagnosis import Cause

CAUSE_BY_KIND = {
    "thread": Cause.THREADS,
    "handler": Cause.HANDLERS_PER_REQUEST,
    "receiver": Cause.HANDLERS_PER_REQUEST,
    "metric": Cause.METRIC_LABELS,
    "subclass": Cause.MADE_PER_REQUEST,
    "connection": Cause.UNRETURNED_CONNECTION,
    "survivor": Cause.KEPT_EXCEPTION,
    "descriptor": Cause.MADE_PER_REQUEST,
    "engine": Cause.MADE_PER_REQUEST,
    "callback": Cause.MADE_PER_REQUEST,
    "outside": Cause.OUTSIDE_WORKERS,
    "lru_cache": Cause.UNBOUNDED_CACHE,
}
DATABASE_DESCRIPTORS = re.compile(r"to port (5432|6432|3306|1433|1521|27017)$|\.(db|sqlite3?)$")
"""Descriptors that are connections to a database."""
CAUSE_BY_ENTRY_TYPE = (
    (REQUEST_KEEPING_TYPES, Cause.KEPT_EXCEPTION),
    (PROCESS_TYPES, Cause.OUTSIDE_WORKERS),
    (REUSABLE_TYPES, Cause.MADE_PER_REQUEST),
)
HOOK_NAMES = re.compile(
    r"(handlers|receivers|listeners|hooks|callbacks|subscribers|observers|filters)$"
)


def classify_cause(
    source: HolderSource, companions: Sequence[Holder], *, is_gc_enabled: bool
) -> Cause:
    """Return the cause that a growing holder stands for.

    *companions* grow with it, at the same requests.
    """
    holder, write_site = source.holder, source.write_site
    if holder.kind == "survivor" and not is_gc_enabled:
        return Cause.CYCLES
    known = CAUSE_BY_KIND.get(holder.kind)
    if holder.kind == "descriptor" and DATABASE_DESCRIPTORS.search(holder.name):
        known = Cause.UNRETURNED_CONNECTION
    if known is not None:
        return known
    entry = holder.entry.rpartition(": ")[2]
    if any(one.kind == "survivor" for one in companions):
        return Cause.KEPT_EXCEPTION
    for pattern, cause in CAUSE_BY_ENTRY_TYPE:
        if pattern.search(entry):
            return cause
    if HOOK_NAMES.search(holder.name.lower()) or entry == "function":
        return Cause.HANDLERS_PER_REQUEST
    is_cache = write_site is not None and write_site.looks_up_first
    return Cause.UNBOUNDED_CACHE if is_cache else Cause.GROWING_CONTAINER
