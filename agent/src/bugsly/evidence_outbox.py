"""What waits to be said beside the samples: descriptions of holders, facts, answers.

It rides along with the samples of a report, and is kept until the server has taken it.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from bugsly.protocol.evidence import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bugsly.protocol.evidence import Holder, ProbeResult

MAX_HOLDERS = 100
"""Descriptions that wait; of more, those that were put first are lost."""
MAX_RESULTS = 8


class EvidenceOutbox:
    """Takes evidence from the probes of this worker, and hands it out until it is settled."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders: dict[str, Holder] = {}
        self._results: list[ProbeResult] = []
        self._facts: dict[str, int] = {}
        self._sent_facts: dict[str, int] = {}
        self._final_snapshot: ProbeResult | None = None
        self._being_sent = Evidence()

    def put_holders(self, holders: Iterable[Holder]) -> None:
        """Add descriptions; the later one of a name replaces the earlier."""
        with self._lock:
            for holder in holders:
                self._holders.pop(holder.name, None)
                self._holders[holder.name] = holder
            for name in list(self._holders)[:-MAX_HOLDERS]:
                del self._holders[name]

    def put_result(self, result: ProbeResult) -> None:
        """Add what came of an ask; of too many the oldest is lost."""
        with self._lock:
            self._results.append(result)
            del self._results[:-MAX_RESULTS]

    def put_final_snapshot(self, snapshot: ProbeResult | None) -> None:
        """Note what this worker holds, which is about to be recycled, where that is known."""
        with self._lock:
            self._final_snapshot = snapshot

    def put_facts(self, facts: Mapping[str, int]) -> None:
        """Note what holds of this process now; only what differs from what was told is sent."""
        with self._lock:
            self._facts.update(facts)

    def peek(self) -> Evidence | None:
        """Return what waits, for one report; None where nothing does."""
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
        """Note what became of that report; a refused one costs its answers, and nothing else."""
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
