"""From a holder that grows to the cause it stands for."""

from __future__ import annotations

import re
from collections.abc import Collection

from bugsly.protocol.evidence import Holder
from bugsly_server.diagnose.feeds import Feed
from bugsly_server.model.diagnosis import Cause

OF_KIND = {
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
KEPT = re.compile(
    r"(Error|Exception|Warning|traceback|frame|Request|RequestContext|AppContext|ExceptionInfo)$"
)
"""Types of entries that keep a whole request alive."""
MADE = re.compile(r"(Engine|Client|Session|Pool|PoolExecutor|Connection|Thread|Timer|Consumer)$")
"""Types of entries that are meant to be made once and used by all requests."""
PROCESS = re.compile(r"(^|\.)(Popen|Process)$")
"""Types of entries that stand for a process of its own."""
DATABASE = re.compile(r"to port (5432|6432|3306|1433|1521|27017)$|\.(db|sqlite3?)$")
"""Descriptors that are connections to a database."""
OF_ENTRY = (
    (KEPT, Cause.KEPT_EXCEPTION),
    (PROCESS, Cause.OUTSIDE_WORKERS),
    (MADE, Cause.MADE_PER_REQUEST),
)
HOOKS = re.compile(r"(handlers|receivers|listeners|hooks|callbacks|subscribers|observers|filters)$")


def cause_of(
    holder: Holder, feed: Feed | None, others: Collection[Holder], *, collected: bool = True
) -> Cause:
    """Return the cause that *holder* stands for, which grows without a bound.

    *feed* is the line that adds to it; *others* grow with it, at the same requests; *collected*
    whether the cyclic collector is on.
    """
    if holder.kind == "survivor" and not collected:
        return Cause.CYCLES
    known = OF_KIND.get(holder.kind)
    if holder.kind == "descriptor" and DATABASE.search(holder.name):
        known = Cause.UNRETURNED_CONNECTION
    if known is not None:
        return known
    entry = holder.entry.rpartition(": ")[2]
    if any(one.kind == "survivor" for one in others):
        return Cause.KEPT_EXCEPTION
    for pattern, cause in OF_ENTRY:
        if pattern.search(entry):
            return cause
    if HOOKS.search(holder.name.lower()) or entry == "function":
        return Cause.HANDLERS_PER_REQUEST
    is_cache = feed is not None and feed.memo
    return Cause.UNBOUNDED_CACHE if is_cache else Cause.GROWING_CONTAINER
