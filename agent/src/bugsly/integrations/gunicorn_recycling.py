"""Lets a Gunicorn worker leave by Gunicorn's own means, without dropping a connection."""

from __future__ import annotations

import os
from contextlib import suppress
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from bugsly.integrations.gunicorn_exits import caller_frames
from bugsly.recycle.host_coordinator import WorkerSlot, open_host_coordinator

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

WORKER_KINDS = {
    ("gunicorn.workers.sync", "SyncWorker"): "sync",
    ("gunicorn.workers.gthread", "ThreadWorker"): "gthread",
    ("gunicorn.workers.ggevent", "GeventWorker"): "gevent",
}
HALTING_EXIT_CODES = frozenset({3, 4})
"""Gunicorn's WORKER_BOOT_ERROR and APP_LOAD_ERROR."""
BOOT_RETRY_SECONDS = 5.0
"""Seconds between two replacements that fail to boot."""
LOOP_TURN_SECONDS = 1.5
"""Seconds within which the loop of a gthread worker surely turns; it waits for 1."""


def close_after_response(start_response: StartResponse) -> None:
    """Make the response of *start_response* close its connection, where Gunicorn sends it.

    Gunicorn's response has a method for that; it discards a header of ours as hop-by-hop.
    """
    close = getattr(getattr(start_response, "__self__", None), "force_close", None)
    if close is not None:
        close()


class GunicornWorkerController:
    """One worker of Gunicorn."""

    def __init__(self, worker: Any) -> None:
        self._worker = worker
        kinds = [
            WORKER_KINDS.get((kind.__module__, kind.__name__)) for kind in type(worker).__mro__
        ]
        self._worker_kind = next((kind for kind in kinds if kind), "")
        cfg = worker.cfg
        self.slot = WorkerSlot(str(worker.ppid), worker.age, _expected_workers(cfg))
        self.unsupported_reason = _unsupported_reason(worker, self._worker_kind)
        self.reloads_code = not cfg.preload_app
        self.keepalive_seconds = 0.0 if self._worker_kind == "sync" else float(cfg.keepalive)
        self.grace_seconds = float(cfg.graceful_timeout)
        self._drops_connections = self._worker_kind == "gthread" and not hasattr(
            worker, "set_accept_enabled"
        )
        self._stopped_accepting_at = 0.0

    def is_serving(self) -> bool:
        """Return whether its master has not told it to leave."""
        return bool(self._worker.alive) and os.getppid() == self._worker.ppid

    def has_no_connections(self) -> bool:
        """Return whether a gthread worker, which counts its connections, has none."""
        return getattr(self._worker, "nr_conns", 1) == 0

    def stop_accepting(self) -> None:
        """Stop accepting where Gunicorn, before 24, drops connections it has accepted."""
        if self._drops_connections:
            for listener in self._worker.sockets:
                with suppress(KeyError, ValueError):
                    self._worker.poller.unregister(listener)
            self._stopped_accepting_at = monotonic()

    def is_drained(self) -> bool:
        """Return whether stopping now drops no open connection."""
        return not self._drops_connections or (
            monotonic() - self._stopped_accepting_at > LOOP_TURN_SECONDS
            and self._worker.nr_conns == 0
        )

    def stop(self) -> None:
        """Do what max_requests does, and wake the loop."""
        self._worker.alive = False
        queue = getattr(self._worker, "method_queue", None)
        if queue is not None:
            queue.defer(_do_nothing)
        else:
            with suppress(BlockingIOError):  # full, so it is awake
                os.write(self._worker.PIPE[1], b"1")


def prevent_gunicorn_halt(worker: Any, code: int) -> None:
    """Make a replacement that fails to boot exit with a *code* that does not halt Gunicorn.

    Gunicorn would stop the workers that still serve, which it would not without the recycling. It
    forks the next worker at once, so this one waits first.
    """
    if worker.booted or code not in HALTING_EXIT_CODES:
        return
    coordinator = open_host_coordinator(WorkerSlot(str(worker.ppid), worker.age, 1))
    if (
        coordinator is not None
        and coordinator.last_departure() is not None
        and coordinator.worker_counts().ready
    ):
        sleep(BOOT_RETRY_SECONDS)
        raise SystemExit(1)


def _do_nothing() -> None:
    return None


def _expected_workers(cfg: Any) -> int:
    """Return how many workers the master kept when it forked this one: TTIN and TTOU change it."""
    owners = (frame.f_locals.get("self") for frame in caller_frames())
    configured_counts = (
        getattr(one, "num_workers", 0) for one in owners if type(one).__name__ == "Arbiter"
    )
    return int(next(configured_counts, cfg.workers))


def _unsupported_reason(worker: Any, kind: str) -> str:
    cfg = worker.cfg
    if not kind or getattr(worker, "server_class", None) is not None:
        return (
            f"a {cfg.worker_class_str} worker cannot leave without failing requests"
            " → use sync, gthread or gevent"
        )
    if getattr(cfg, "reuse_port", False):
        return (
            "with reuse_port the connections that wait for a worker are reset when it leaves"
            " → turn reuse_port off"
        )
    if kind != "sync" and "h2" in getattr(cfg, "http_protocols", ()):
        return (
            "an HTTP/2 connection cannot be told to move before its worker leaves"
            " → let the proxy in front speak HTTP/1.1 to Gunicorn"
        )
    return ""
