"""Runs the expensive probes that the server requests, one at a time, off the request path."""

from __future__ import annotations

import threading
from collections import deque
from time import monotonic, thread_time
from typing import TYPE_CHECKING

from bugsly.probes.probe_budget import probe_cost
from bugsly.protocol.evidence import ProbeResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from bugsly.evidence_outbox import EvidenceOutbox
    from bugsly.guard import Guards
    from bugsly.probes.probe_budget import ProbeBudget
    from bugsly.protocol.evidence import ProbeRequest

    ExpensiveProbe = Callable[[ProbeRequest], ProbeResult]

MAX_WAITING_REQUESTS = 4
MAX_REMEMBERED_REQUESTS = 1_000
UNKNOWN_PROBE = "the probe {!r} is unknown to this agent → update bugsly in the app"
PROBE_FAILED = "the probe failed in this worker; its log says how"


class ProbeRunner:
    """Runs requested probes on a thread that ends when no request waits."""

    def __init__(
        self,
        probes: Mapping[str, ExpensiveProbe],
        budget: ProbeBudget,
        evidence: EvidenceOutbox,
        guards: Guards,
    ) -> None:
        self._probes = probes
        self._budget = budget
        self._evidence = evidence
        self._guard = guards("asks")
        self._lock = threading.Lock()
        self._seen_ids: deque[int] = deque(maxlen=MAX_REMEMBERED_REQUESTS)
        self._waiting: deque[ProbeRequest] = deque()
        self._busy = False

    def put(self, requests: Iterable[ProbeRequest]) -> None:
        """Accept requests not seen before; one without room is ignored until it comes again."""
        with self._lock:
            for request in requests:
                if request.id not in self._seen_ids and len(self._waiting) < MAX_WAITING_REQUESTS:
                    self._seen_ids.append(request.id)
                    self._waiting.append(request)
            if self._busy or not self._waiting:
                return
            self._busy = True
        threading.Thread(target=self._run, name="bugsly-probe", daemon=True).start()

    def _run(self) -> None:
        while (request := self._next()) is not None:
            refusal = self._budget.refusal(by_hand=request.by_hand)
            if refusal:
                self._evidence.put_result(ProbeResult(ask=request.id, problem=refusal))
                continue
            started, cpu_before = monotonic(), thread_time()
            result = ProbeResult(ask=request.id, problem=PROBE_FAILED)
            with self._guard:
                result = self._run_probe(request)
            cpu_seconds, seconds = thread_time() - cpu_before, monotonic() - started
            self._budget.spend(probe_cost(result, cpu_seconds, seconds))
            self._evidence.put_result(result)

    def _next(self) -> ProbeRequest | None:
        with self._lock:
            self._busy = bool(self._waiting)
            return self._waiting.popleft() if self._waiting else None

    def _run_probe(self, request: ProbeRequest) -> ProbeResult:
        probe = self._probes.get(request.probe)
        if probe is None:
            return ProbeResult(ask=request.id, problem=UNKNOWN_PROBE.format(request.probe))
        return probe(request)
