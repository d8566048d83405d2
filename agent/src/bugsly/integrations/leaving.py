"""How a Gunicorn worker leaves: by Gunicorn's own means, and without dropping a connection."""

from __future__ import annotations

import os
from contextlib import suppress
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from bugsly.integrations.exits import callers
from bugsly.recycle.board import Post, open_board

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

KINDS = {
    ("gunicorn.workers.sync", "SyncWorker"): "sync",
    ("gunicorn.workers.gthread", "ThreadWorker"): "gthread",
    ("gunicorn.workers.ggevent", "GeventWorker"): "gevent",
}
HALTING = frozenset({3, 4})
"""Gunicorn's WORKER_BOOT_ERROR and APP_LOAD_ERROR."""
AGAIN = 5.0
"""Seconds between two replacements that do not boot."""
TURN = 1.5
"""Seconds in which the loop of a gthread worker surely comes round; it waits for 1."""


def close_after(start_response: StartResponse) -> None:
    """Let the answer that begins with *start_response* close its connection.

    It is a method of Gunicorn's response; a header of ours would be thrown away as hop-by-hop.
    """
    close = getattr(getattr(start_response, "__self__", None), "force_close", None)
    if close is not None:
        close()


class GunicornWay:
    """One worker of Gunicorn."""

    def __init__(self, worker: Any) -> None:
        self._worker = worker
        kinds = [KINDS.get((kind.__module__, kind.__name__)) for kind in type(worker).__mro__]
        self._kind = next((kind for kind in kinds if kind), "")
        cfg = worker.cfg
        self.post = Post(str(worker.ppid), worker.age, _wanted(cfg))
        self.obstacle = _obstacle(worker, self._kind)
        self.from_disk = not cfg.preload_app
        self.lingers = 0.0 if self._kind == "sync" else float(cfg.keepalive)
        self.grace = float(cfg.graceful_timeout)
        self._drops = self._kind == "gthread" and not hasattr(worker, "set_accept_enabled")
        self._refused = 0.0

    def serves(self) -> bool:
        """Return whether its master has not told it to leave."""
        return bool(self._worker.alive) and os.getppid() == self._worker.ppid

    def is_empty(self) -> bool:
        """Return whether a gthread worker, which counts its connections, has none."""
        return getattr(self._worker, "nr_conns", 1) == 0

    def refuse(self) -> None:
        """Take no more connections where Gunicorn, before 24, drops those it has taken."""
        if self._drops:
            for listener in self._worker.sockets:
                with suppress(KeyError, ValueError):
                    self._worker.poller.unregister(listener)
            self._refused = monotonic()

    def drained(self) -> bool:
        """Return whether no connection is open that stopping would drop."""
        return not self._drops or (
            monotonic() - self._refused > TURN and self._worker.nr_conns == 0
        )

    def stop(self) -> None:
        """Do what max_requests does, and wake the loop."""
        self._worker.alive = False
        queue = getattr(self._worker, "method_queue", None)
        if queue is not None:
            queue.defer(_nothing)
        else:
            with suppress(BlockingIOError):  # full, so it is awake
                os.write(self._worker.PIPE[1], b"1")


def spare_siblings(worker: Any, code: int) -> None:
    """Let a replacement that does not boot end with a *code* that does not halt Gunicorn.

    Gunicorn would stop the workers that serve, and had we not recycled one, nothing would have
    failed. It tries again with every worker it forks, so that is slowed down.
    """
    if worker.booted or code not in HALTING:
        return
    board = open_board(Post(str(worker.ppid), worker.age, 1))
    if board is not None and board.last() is not None and board.standing().ready:
        sleep(AGAIN)
        raise SystemExit(1)


def _nothing() -> None:
    return None


def _wanted(cfg: Any) -> int:
    """Return how many workers the master kept when it forked this one: TTIN and TTOU change it."""
    owners = (frame.f_locals.get("self") for frame in callers())
    kept = (getattr(one, "num_workers", 0) for one in owners if type(one).__name__ == "Arbiter")
    return int(next(kept, cfg.workers))


def _obstacle(worker: Any, kind: str) -> str:
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
