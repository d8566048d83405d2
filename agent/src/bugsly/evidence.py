"""What waits to be said beside the samples: descriptions of holders, facts, answers.

It rides along with the samples of a report, and is kept until the server has taken it.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from bugsly.protocol.evidence import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bugsly.protocol.evidence import Answer, Holder

MAX_HOLDERS = 100
"""Descriptions that wait; of more, those that were put first are lost."""
MAX_ANSWERS = 8


class EvidenceDesk:
    """Takes evidence from the probes of this worker, and hands it out until it is settled."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders: dict[str, Holder] = {}
        self._answers: list[Answer] = []
        self._facts: dict[str, int] = {}
        self._told: dict[str, int] = {}
        self._parting: Answer | None = None
        self._out = Evidence()

    def put_holders(self, holders: Iterable[Holder]) -> None:
        """Add descriptions; the later one of a name replaces the earlier."""
        with self._lock:
            for holder in holders:
                self._holders.pop(holder.name, None)
                self._holders[holder.name] = holder
            for name in list(self._holders)[:-MAX_HOLDERS]:
                del self._holders[name]

    def put_answer(self, answer: Answer) -> None:
        """Add what came of an ask; of too many the oldest is lost."""
        with self._lock:
            self._answers.append(answer)
            del self._answers[:-MAX_ANSWERS]

    def put_parting(self, held: Answer | None) -> None:
        """Note what this worker holds, which is about to be recycled, where that is known."""
        with self._lock:
            self._parting = held

    def put_facts(self, facts: Mapping[str, int]) -> None:
        """Note what holds of this process now; only what differs from what was told is sent."""
        with self._lock:
            self._facts.update(facts)

    def peek(self) -> Evidence | None:
        """Return what waits, for one report; None where nothing does."""
        with self._lock:
            facts = {
                name: count for name, count in self._facts.items() if self._told.get(name) != count
            }
            self._out = Evidence(
                holders=tuple(self._holders.values()),
                answers=tuple(self._answers),
                facts=facts,
                parting=self._parting,
            )
            return self._out if self._out != Evidence() else None

    def settle(self, *, taken: bool) -> None:
        """Note what became of that report; a refused one costs its answers, and nothing else."""
        with self._lock:
            out, self._out = self._out, Evidence()
            self._answers = [one for one in self._answers if one not in out.answers]
            if self._parting is out.parting:
                self._parting = None
            if taken:
                self._told.update(out.facts)
                for holder in out.holders:
                    if self._holders.get(holder.name) is holder:
                        del self._holders[holder.name]
