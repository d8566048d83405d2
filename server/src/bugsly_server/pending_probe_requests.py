"""Holds the probe requests that wait for their workers, in memory, where ingest takes them."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from bugsly_server.model.probe_status import ProbeRequestState, ProbeRequestStatus

WorkerKey = tuple[int, str]
"""The id of a project, and the token of one of its workers."""


class PendingProbeRequests:
    """Filled by the digester's thread, emptied by the one that answers envelopes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pending: dict[WorkerKey, list[ProbeRequestStatus]] = {}
        self._sent: set[int] = set()

    def add(self, request: ProbeRequestStatus) -> None:
        """Send *request* with the reply to its worker's next envelope, once."""
        with self._lock:
            self._add(request)

    def replace_all(self, requests: Iterable[ProbeRequestStatus]) -> None:
        """Hold *requests*, which are stored as unsent, and nothing else."""
        with self._lock:
            self._pending.clear()
            for request in requests:
                self._add(request)

    def take(
        self, project_id: int, token: object, secret_hash: str | None
    ) -> list[ProbeRequestStatus]:
        """Return the requests for the worker with *token*, and hold them no longer.

        None where the worker has a secret, and *secret_hash* is not that of it.
        """
        if not self._pending or not isinstance(token, str):
            return []
        with self._lock:
            pending = self._pending.get((project_id, token), [])
            if any(one.secret_hash not in {None, secret_hash} for one in pending):
                return []
            taken = self._pending.pop((project_id, token), [])
            self._sent.update(one.request.id for one in taken)
        return taken

    def sent_ids(self) -> set[int]:
        """Return the ids of requests that were taken and not yet forgotten by `forget_sent`."""
        with self._lock:
            return set(self._sent)

    def forget_sent(self, ids: Iterable[int]) -> None:
        """Forget that the requests *ids* were taken: the store knows it now."""
        with self._lock:
            self._sent.difference_update(ids)

    def _add(self, request: ProbeRequestStatus) -> None:
        worker_key = (request.project_id, request.token)
        known = {one.request.id for one in self._pending.get(worker_key, ())} | self._sent
        if request.request.id not in known and request.state is ProbeRequestState.ASKED:
            self._pending.setdefault(worker_key, []).append(request)
