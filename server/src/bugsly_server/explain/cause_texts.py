"""The sentences for each cause of a leak: its title, what happens, and how to fix it."""

from __future__ import annotations

from typing import NamedTuple

from bugsly_server.model.diagnosis import Cause


class CauseTexts(NamedTuple):
    """Sentences of one cause; `explain_leak` fills in the names in braces."""

    title: str
    what: str
    fix: str


CAUSE_TEXTS: dict[Cause, CauseTexts] = {
    Cause.GROWING_CONTAINER: CauseTexts(
        "{holder} grows with every {request}",
        "{Each} adds {entries} to {holder}, and nothing ever removes one. It lives as"
        " long as the worker, and so does everything in it.",
        "Keep only what is needed: a `deque(maxlen=…)` for the latest entries, or a store outside"
        " the process (a database, Redis, a log) for all of them. Data of one request belongs in"
        " `flask.g` or a local variable.",
    ),
    Cause.UNBOUNDED_CACHE: CauseTexts(
        "{holder} caches without a bound",
        "{Each} brings keys that {holder} has not seen before, so it stores {entries} more, and it"
        " never evicts one. A cache without a bound is a leak with a hit rate.",
        "Give it a bound: `lru_cache(maxsize=1024)`, `cachetools.LRUCache` or `TTLCache`. If"
        " the keys never repeat, it saves nothing and can be removed.",
    ),
    Cause.UNRETURNED_CONNECTION: CauseTexts(
        "Connections taken at {site} are not returned",
        "{Each} takes a connection from the pool and does not close it. It stays checked out until"
        " Python's garbage collector happens to find it. Until then other requests wait, and time"
        " out when the pool is empty.",
        "Take it in a `with` block, which returns it even when an exception is raised.",
    ),
    Cause.BUFFERED_RESPONSE: CauseTexts(
        "{endpoint} builds responses of {size} in memory",
        "The whole body is in memory before its first byte is sent: {size} for each request in"
        " flight, and several of them at once under load. Python frees this memory, but the"
        " worker's peak stays at its highest moment.",
        "Stream it: `send_file(path)` for a file, a generator in `Response(…)` for rows.",
    ),
    Cause.KEPT_EXCEPTION: CauseTexts(
        "{subject} keep finished requests alive",
        "{Each} leaves behind an exception, a request or a context that something still refers to."
        " An exception holds its traceback, the traceback holds the frames, and the frames hold"
        " every local variable of the request.",
        "Keep text instead of objects: `str(error)` or `traceback.format_exc()` instead of the"
        " exception, an id instead of the request.",
    ),
    Cause.THREADS: CauseTexts(
        "{subject} do not end",
        "{Each} starts {entries} more that never finish. Each has its own stack and keeps alive"
        " whatever its target refers to.",
        "Start them once, when the worker boots, and pass them work through a queue; or use one"
        " module-level `ThreadPoolExecutor`, and close what is made for a request.",
    ),
    Cause.MADE_PER_REQUEST: CauseTexts(
        "{subject} made for every request",
        "{Each} makes {entries} of a kind that should be made once. Whatever it registers, opens or"
        " caches stays behind when the request is over.",
        "Make it once, at module level or when the app is created, and use it in every request;"
        " if it must be short-lived, close it in a `with` block.",
    ),
    Cause.HANDLERS_PER_REQUEST: CauseTexts(
        "{subject} grow with every {request}",
        "{Each} registers {entries} more and never removes one. All of them run from then on, so"
        " requests become slower too.",
        "Register it once, at import or when the app is created, and not in a view or in a function"
        " that a view calls.",
    ),
    Cause.METRIC_LABELS: CauseTexts(
        "{subject} gain a series with every {request}",
        "A label has values that never repeat (a path, an id, an address), and each value is a"
        " separate series that the registry keeps forever.",
        "Use labels with few values: the endpoint's rule instead of the path, the class of the"
        " status code instead of a message.",
    ),
    Cause.CYCLES: CauseTexts(
        "Reference cycles pile up: the collector is off",
        "Objects that refer to one another are freed only by Python's cyclic garbage collector,"
        " which is disabled in this worker.",
        "Leave `gc` enabled (a higher threshold is fine), or call `gc.collect()` every few"
        " hundred requests; break the cycle if you can.",
    ),
    Cause.RETENTION: CauseTexts(
        "Memory was freed, and the allocator keeps it",
        "The worker's live memory does not grow. What it needed at a peak was freed inside the"
        " process, but lies between blocks that are still in use, so the C library cannot return"
        " it.",
        "This is not a leak. If the worker must be smaller, lower its peaks (stream, work in"
        " pieces), set `MALLOC_ARENA_MAX=2`, or use jemalloc.",
    ),
    Cause.NATIVE: CauseTexts(
        "Memory leaks below Python{at}",
        "Memory that was allocated {by} outlives its requests, and no Python object that can be"
        " reached holds it: an extension module did not free it, or did not drop a reference.",
        "Look for a newer version of the extension that this line calls. Until there is one, avoid"
        " the call or recycle workers.",
    ),
    Cause.OUTSIDE_WORKERS: CauseTexts(
        "{subject} pile up outside of the workers",
        "{Each} leaves {entries} behind, and nothing ends or removes it. The worker itself does not"
        " grow, but child processes and files in memory count towards the container's limit.",
        "End what a request starts: `subprocess.run(…)` or `wait()` with a timeout for a process,"
        " `unlink()` in `finally` for a file or shared memory. What must outlive the request"
        " belongs in a task queue, or in a store with an expiry.",
    ),
    Cause.BOUNDED: CauseTexts(
        "{holder} fills up, and will stop",
        "{holder} gains entries, but only up to a limit. Plan for that memory; it is not a leak.",
        "Nothing needs fixing. A smaller bound would save memory.",
    ),
    Cause.UNKNOWN: CauseTexts(
        "Growing, cause not yet known{at}",
        "Memory keeps growing with requests, and no probe has found what holds it.",
        "Let it run: Bugsly keeps looking. `bugsly doctor` looks closer, on a developer's machine.",
    ),
}

DESCRIPTOR_TEXTS = CauseTexts(
    "{holder} pile up",
    "{Each} opens one that no code closes. Python's garbage collector closes those that nothing"
    " refers to; the others stay open. A process may have about 1,024 descriptors; beyond that"
    " every open() and every connection fails.",
    "Open it in a `with` block, or close it in `finally`. Objects that a library opens for you"
    " have a `close()` too.",
)
"""Used for files and sockets, whatever the cause is."""

WEAK_CONTAINER_TEXTS = CauseTexts(
    "{holder} meets more objects with every {request}",
    "{Each} makes {entries} that {holder} refers to weakly, and they stay alive: something else"
    " keeps them, in a place that no probe looks into.",
    "Make them once and share them, or end them: call their `close()`, `stop()` or `shutdown()`,"
    " and unregister them wherever they are registered.",
)
"""Used for containers with weak references, which keep nothing alive themselves."""
