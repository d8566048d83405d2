"""What happens, why it grows and what to change, for each cause."""

from __future__ import annotations

from typing import NamedTuple

from bugsly_server.model.diagnosis import Cause


class CauseTexts(NamedTuple):
    """Sentences of one cause; names in braces are filled in by `explain`."""

    title: str
    what: str
    fix: str


CAUSE_TEXTS: dict[Cause, CauseTexts] = {
    Cause.GROWING_CONTAINER: CauseTexts(
        "{holder} grows with every {request}",
        "{Each} adds {entries} to {holder}, and nothing ever takes one out. It lives as"
        " long as the worker, and so does all that is in it.",
        "Keep only what is needed: a `deque(maxlen=…)` for the latest entries, or a store outside"
        " the process (a database, Redis, a log) for all of them. Data of one request belongs into"
        " `flask.g` or a local variable.",
    ),
    Cause.UNBOUNDED_CACHE: CauseTexts(
        "{holder} caches without a bound",
        "{Each} brings keys that {holder} has not met, so it stores {entries} more, and it never"
        " forgets one. A cache without a bound is a leak with a hit rate.",
        "Give it a bound: `lru_cache(maxsize=1024)`, `cachetools.LRUCache` or `TTLCache`. If"
        " the keys never repeat, it saves nothing and can go.",
    ),
    Cause.UNRETURNED_CONNECTION: CauseTexts(
        "Connections taken at {site} are not returned",
        "{Each} takes a connection from the pool and does not close it. It stays checked out until"
        " Python's collector happens to find it; meanwhile others wait, and time out once the pool"
        " is empty.",
        "Take it in a `with` block, which returns it also when an exception is raised.",
    ),
    Cause.BUFFERED_RESPONSE: CauseTexts(
        "{endpoint} builds responses of {size} in memory",
        "The whole body is in memory before its first byte is sent: {size} for each request in"
        " flight, several of them at once under load. Python gives such memory back, the worker's"
        " peak stays as high as the biggest moment.",
        "Stream it: `send_file(path)` for a file, a generator in `Response(…)` for rows.",
    ),
    Cause.KEPT_EXCEPTION: CauseTexts(
        "{subject} keep finished requests alive",
        "{Each} leaves behind an exception, a request or a context that something still refers to."
        " An exception holds its traceback, that holds the frames, and those hold every local"
        " variable of the request.",
        "Keep text instead of objects: `str(error)` or `traceback.format_exc()`, the request's id"
        " instead of the request.",
    ),
    Cause.THREADS: CauseTexts(
        "{subject} do not end",
        "{Each} starts {entries} more that never finish. Each has its own stack and keeps what its"
        " target refers to.",
        "Start them once, when the worker boots, and hand them work through a queue; or use one"
        " `ThreadPoolExecutor` of the module, and close what is made for a request.",
    ),
    Cause.MADE_PER_REQUEST: CauseTexts(
        "{subject} made for every request",
        "{Each} makes {entries} anew of what is meant to be made once. What it registers, opens or"
        " caches inside itself stays behind when the request is over.",
        "Make it once at module level, or when the app is created, and use it in every request;"
        " where it has to be short-lived, close it in a `with` block.",
    ),
    Cause.HANDLERS_PER_REQUEST: CauseTexts(
        "{subject} grow with every {request}",
        "{Each} registers {entries} more and never removes one. All of them run from then on, so"
        " requests get slower too.",
        "Register it once, at import or when the app is created, not inside a view or a function"
        " that views call.",
    ),
    Cause.METRIC_LABELS: CauseTexts(
        "{subject} gain a series with every {request}",
        "A label takes values that never repeat (a path, an id, an address), and each value is a"
        " series of its own that the registry keeps for ever.",
        "Label with what has few values: the endpoint's rule instead of the path, the class of the"
        " status instead of a message.",
    ),
    Cause.CYCLES: CauseTexts(
        "Reference cycles pile up: the collector is off",
        "Objects that refer to one another are only freed by Python's cyclic collector, and in this"
        " worker it is switched off.",
        "Leave `gc` enabled (a higher threshold is fine), or call `gc.collect()` after every few"
        " hundred requests; break the cycle where you can.",
    ),
    Cause.RETENTION: CauseTexts(
        "Memory was freed, and the allocator keeps it",
        "The worker's live memory does not grow. What it once needed at a peak was freed inside the"
        " process, but lies between what is still in use, so the C library cannot give it back.",
        "No leak. Lower the peaks (stream, work in pieces), or set `MALLOC_ARENA_MAX=2` or use"
        " jemalloc if it has to be smaller.",
    ),
    Cause.NATIVE: CauseTexts(
        "Memory leaks below Python{at}",
        "Memory that was allocated {by} outlives its requests, and nothing that Python reaches"
        " holds it: an extension module forgot to free it, or to drop a reference.",
        "Look for a newer version of the extension that this line calls; until there is one, avoid"
        " that call or recycle workers.",
    ),
    Cause.OUTSIDE_WORKERS: CauseTexts(
        "{subject} pile up outside of the workers",
        "{Each} leaves {entries} behind, and nothing ends or removes it. The worker itself stays as"
        " it is, but the container's limit counts child processes and files in memory as well.",
        "End what a request starts: `subprocess.run(…)` or `wait()` with a timeout for a process,"
        " `unlink()` in `finally` for a file or shared memory. What has to outlive the request"
        " belongs to a task queue, or to a store with an expiry.",
    ),
    Cause.BOUNDED: CauseTexts(
        "{holder} fills up, and will stop",
        "{holder} gains entries, but it has an end. That is growth to be planned for, not a leak.",
        "Nothing to mend. A smaller bound would save memory.",
    ),
    Cause.UNKNOWN: CauseTexts(
        "Growing, cause not yet known{at}",
        "Memory goes on growing with requests, and no probe has found what keeps it.",
        "Let it run: Bugsly goes on looking. `bugsly doctor` looks closer, at a desk.",
    ),
}

DESCRIPTOR_TEXTS = CauseTexts(
    "{holder} pile up",
    "{Each} opens one that no code closes. Those that nothing refers to are closed when Python's"
    " collector comes by, the others never. A process may have some 1,024 descriptors; beyond that"
    " every open() and every connection fails.",
    "Open it in a `with` block, or close it in `finally`. What a library opens for you has a"
    " `close()` too.",
)
"""Of files and sockets, whatever the cause is called."""

WEAK_CONTAINER_TEXTS = CauseTexts(
    "{holder} meets more objects with every {request}",
    "{Each} makes {entries} that {holder} refers to weakly, and they stay alive: something else"
    " keeps them, in a place that no probe looks into.",
    "Make them once and share them, or end them: call their `close()`, `stop()` or `shutdown()`,"
    " and take them out of what they registered with.",
)
"""Of containers that keep nothing alive themselves."""
