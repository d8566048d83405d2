"""What workers are to be asked for, kept in memory so that ingest need not look it up."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from bugsly_server.model.probe_status import ProbeRequestState, ProbeRequestStatus

WorkerKey = tuple[int, str]
"""A project's id, and the id by which a worker of it calls itself."""


class PendingProbeRequests:
    """Filled by the thread that digests, emptied by the one that takes envelopes in."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pending: dict[WorkerKey, list[ProbeRequestStatus]] = {}
        self._sent: set[int] = set()

    def add(self, request: ProbeRequestStatus) -> None:
        """Let *request* go out, once, with the reply to its worker's next envelope."""
        with self._lock:
            self._add(request)

    def replace_all(self, requests: Iterable[ProbeRequestStatus]) -> None:
        """Hold *requests*, what is stored to be sent, and nothing else."""
        with self._lock:
            self._pending.clear()
            for request in requests:
                self._add(request)

    def take(self, project_id: int, token: object) -> list[ProbeRequestStatus]:
        """Return what the worker that calls itself *token* is to be asked for, once."""
        if not self._pending or not isinstance(token, str):
            return []
        with self._lock:
            taken = self._pending.pop((project_id, token), [])
            self._sent.update(one.request.id for one in taken)
        return taken

    def sent_ids(self) -> set[int]:
        """Return the ids of what was taken and not yet `forget_sent`."""
        with self._lock:
            return set(self._sent)

    def forget_sent(self, ids: Iterable[int]) -> None:
        """Forget that the asks of *ids* were taken, which is stored now."""
        with self._lock:
            self._sent.difference_update(ids)

    def _add(self, request: ProbeRequestStatus) -> None:
        worker_key = (request.project_id, request.token)
        known = {one.request.id for one in self._pending.get(worker_key, ())} | self._sent
        if request.request.id not in known and request.state is ProbeRequestState.ASKED:
            self._pending.setdefault(worker_key, []).append(request)
