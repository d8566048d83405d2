"""Queues the evidence that travels with samples: holders, facts, and results of probes.

It is part of every report until the server has accepted it.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from bugsly.protocol.evidence import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bugsly.protocol.evidence import Holder, ProbeResult

MAX_HOLDERS = 100
"""Descriptions that wait; beyond that the oldest are lost."""
MAX_RESULTS = 8


class EvidenceOutbox:
    """Takes evidence from the probes of this worker, and repeats it until it is acknowledged."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders: dict[str, Holder] = {}
        self._results: list[ProbeResult] = []
        self._facts: dict[str, int] = {}
        self._sent_facts: dict[str, int] = {}
        self._final_snapshot: ProbeResult | None = None
        self._being_sent = Evidence()

    def put_holders(self, holders: Iterable[Holder]) -> None:
        """Add descriptions; a later one replaces an earlier one of the same name."""
        with self._lock:
            for holder in holders:
                self._holders.pop(holder.name, None)
                self._holders[holder.name] = holder
            for name in list(self._holders)[:-MAX_HOLDERS]:
                del self._holders[name]

    def put_result(self, result: ProbeResult) -> None:
        """Add the result of a probe request; beyond MAX_RESULTS the oldest is lost."""
        with self._lock:
            self._results.append(result)
            del self._results[:-MAX_RESULTS]

    def put_final_snapshot(self, snapshot: ProbeResult | None) -> None:
        """Add what this worker holds before it is recycled, None where that is not known."""
        with self._lock:
            self._final_snapshot = snapshot

    def put_facts(self, facts: Mapping[str, int]) -> None:
        """Add facts of this process; only those that differ from what was accepted are sent."""
        with self._lock:
            self._facts.update(facts)

    def peek(self) -> Evidence | None:
        """Return what waits, for one report; None where nothing waits."""
        with self._lock:
            facts = {
                name: count
                for name, count in self._facts.items()
                if self._sent_facts.get(name) != count
            }
            self._being_sent = Evidence(
                holders=tuple(self._holders.values()),
                answers=tuple(self._results),
                facts=facts,
                parting=self._final_snapshot,
            )
            return self._being_sent if self._being_sent != Evidence() else None

    def acknowledge(self, *, accepted: bool) -> None:
        """Settle what `peek` returned: a refused report loses only the results of probes."""
        with self._lock:
            sent, self._being_sent = self._being_sent, Evidence()
            self._results = [one for one in self._results if one not in sent.answers]
            if self._final_snapshot is sent.parting:
                self._final_snapshot = None
            if accepted:
                self._sent_facts.update(sent.facts)
                for holder in sent.holders:
                    if self._holders.get(holder.name) is holder:
                        del self._holders[holder.name]
