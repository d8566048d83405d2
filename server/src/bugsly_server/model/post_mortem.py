"""The last minutes of a worker that was killed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bugsly.protocol.memory import ExitReason
from bugsly_server.clock import MINUTE, SECOND, Micros
from bugsly_server.model.issue import Issue
from bugsly_server.model.time_series import EndpointTraffic, MemoryPoint
from bugsly_server.model.units import count, duration, size
from bugsly_server.model.worker import Worker

FATAL_EXIT_REASONS = frozenset({ExitReason.OUT_OF_MEMORY, ExitReason.TIMEOUT, ExitReason.KILLED})
POST_MORTEM_SPAN: Micros = 10 * MINUTE
MAX_RESPONSES = 5
EXIT_REASON_TEXTS = {
    ExitReason.OUT_OF_MEMORY: "killed by the kernel for lack of memory",
    ExitReason.TIMEOUT: "silent for longer than Gunicorn's timeout, and killed for it",
    ExitReason.KILLED: "killed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PostMortem:
    """What a worker did in the minutes before it was killed. Sizes are bytes."""

    worker: Worker
    span: Micros
    """Of those minutes; a young worker had fewer."""
    gained: int
    served: tuple[EndpointTraffic, ...]
    """By endpoint, the biggest response first; as fine as traffic is still kept."""
    issue: Issue | None
    """A leak that was known of in its life."""

    @property
    def holder(self) -> str | None:
        """Return the holder or the line that kept its memory; None where that is not known."""
        diagnosis = None if self.issue is None else self.issue.finding.diagnosis
        return None if diagnosis is None else diagnosis.holder_name or diagnosis.location.site

    @property
    def biggest(self) -> tuple[EndpointTraffic, ...]:
        """Return the endpoints with the biggest responses."""
        return tuple(one for one in self.served if one.biggest)[:MAX_RESPONSES]

    @property
    def because(self) -> str:
        """Return all of it in a sentence."""
        worker, sentences = self.worker, []
        assert worker.exit_reason is not None, "it has ended"
        change = f"{size(self.gained, signed=True)} in its last {duration(self.span / SECOND)}"
        sentences.append(
            f"{EXIT_REASON_TEXTS[worker.exit_reason]} at {size(worker.anonymous)}, {change}"
        )
        if worker.limit:
            sentences.append(f"{size(worker.used)} of {size(worker.limit)} were in use there")
        sentences.append(_describe_in_flight(worker))
        if self.biggest:
            largest = self.biggest[0]
            sentences.append(
                f"its biggest response was {size(largest.biggest)} of {largest.endpoint}"
            )
        if self.holder:
            sentences.append(f"`{self.holder}` kept its memory")
        return "; ".join(sentences)


def post_mortem(
    worker: Worker,
    points: Sequence[MemoryPoint],
    served: Iterable[EndpointTraffic],
    leaks: Iterable[Issue],
) -> PostMortem:
    """Return the last minutes of *worker* from its *points* and what it *served* in them."""
    ended_at = worker.ended_at or worker.seen_at
    first = points[0].last if points else worker.anonymous
    suspected = [one for one in leaks if _may_have_killed(one, worker, ended_at)]
    return PostMortem(
        worker=worker,
        span=min(POST_MORTEM_SPAN, ended_at - worker.started_at),
        gained=worker.anonymous - first,
        served=tuple(
            sorted(served, key=lambda traffic: (traffic.biggest, traffic.requests), reverse=True)
        ),
        issue=max(suspected, key=_explained_part, default=None),
    )


def _describe_in_flight(worker: Worker) -> str:
    if worker.under_way:
        return f"in flight when it was last heard of: {worker.busy_with}"
    requests = "1 request" if worker.in_flight == 1 else f"{count(worker.in_flight)} requests"
    return f"{requests} in flight" if worker.in_flight else "no request in flight"


def _may_have_killed(leak: Issue, worker: Worker, ended_at: Micros) -> bool:
    """Return whether *leak* was known where *worker* ran, and seen growing in its life."""
    there = leak.finding.environment == worker.environment and leak.finding.is_alarming
    return there and leak.opened_at <= ended_at and leak.seen_at >= worker.started_at


def _explained_part(leak: Issue) -> float:
    return 0.0 if leak.finding.diagnosis is None else leak.finding.diagnosis.growth.part
