"""Decides why a worker ended: from its own report, its master's, or its silence."""

from __future__ import annotations

from collections.abc import Iterable

from bugsly.protocol.memory import Exit, ExitReason
from bugsly_server.clock import DAY, Micros, is_ahead
from bugsly_server.model.worker import Worker

VIOLENT_REASONS = frozenset(
    {ExitReason.TIMEOUT, ExitReason.OUT_OF_MEMORY, ExitReason.KILLED, ExitReason.CRASHED}
)
"""Ends that a worker cannot report, or is wrong about: here its master's report counts."""
GIVE_UP_AFTER: Micros = DAY


def adds_information(known: Worker, exit_: Exit, *, is_self_reported: bool) -> bool:
    """Return whether *exit_* says more about the end of *known* than is known already."""
    if known.exit_reason is None or known.fell_silent:
        return True
    return (
        not is_self_reported
        and exit_.reason in VIOLENT_REASONS
        and known.exit_reason not in VIOLENT_REASONS
    )


def refine_exit_reason(exit_: Exit, ended: Worker, siblings: Iterable[Worker]) -> ExitReason:
    """Return the reason of *exit_*; a SIGTERM is a reload where a newer generation runs.

    On HUP, Gunicorn first starts the new workers and then terminates the old ones.
    """
    if exit_.reason is not ExitReason.TERMINATED:
        return exit_.reason
    newer = (
        one.generation > ended.generation
        for one in siblings
        if one.parent == ended.parent and one.machine == ended.machine
    )
    return ExitReason.RELOAD if any(newer) else exit_.reason


def silent_exit_reason(silent: Worker, others: Iterable[Worker], now: Micros) -> ExitReason | None:
    """Return how a worker that fell silent ended; None while it may only be unreachable.

    Workers of the same machine that still report prove that the network works. If the kernel
    counted an OOM kill since the worker's last sample, it was killed. A worker that was being
    recycled did leave, although its goodbye did not arrive.
    """
    ended = ExitReason.RECYCLED if silent.is_being_recycled else ExitReason.VANISHED
    heard_from = [one for one in others if one.machine == silent.machine and not one.is_silent(now)]
    if heard_from:
        newest = max(heard_from, key=lambda worker: worker.seen_at)
        killed = newest.oom_kills > silent.oom_kills
        return ExitReason.OUT_OF_MEMORY if killed else ended
    is_lost = is_ahead(silent.seen_at, now) or now - silent.seen_at > GIVE_UP_AFTER
    return ended if is_lost else None
