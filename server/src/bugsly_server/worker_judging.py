"""Judges whether workers grow, once they have done enough since they were judged last."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from bugsly_server.clock import Micros
from bugsly_server.detect.worker_growth import MIN_HITS, is_due, judge_worker
from bugsly_server.model.growth import GrowthVerdict
from bugsly_server.model.probe_correction import ProbeSpan, subtract_probe_memory
from bugsly_server.model.worker import Worker
from bugsly_server.store.meta import probe_requests, workers
from bugsly_server.store.meta.database import Database
from bugsly_server.store.ports import Telemetry

MAX_TREND_POINTS = 600


class WorkerJudge:
    """Reads the samples of workers, and stores what detection says of each."""

    def __init__(self, database: Database, telemetry: Telemetry) -> None:
        self._database = database
        self._telemetry = telemetry

    def judge_due(self, reporting: Iterable[Worker], now: Micros) -> bool:
        """Judge those of *reporting* that are due; return whether any were."""
        due = [
            worker
            for worker in reporting
            if is_due(worker.requests, worker.judged_requests, now, worker.judged_at)
        ]
        if due:
            with self._database.reading() as connection:
                probe_spans = probe_requests.memory_taking_spans(
                    connection, [worker.id for worker in due], now
                )
            judged = [self._judge(worker, probe_spans[worker.id], now) for worker in due]
            with self._database.writing() as connection:
                workers.update_judgements(connection, judged)
        return bool(due)

    def _judge(self, worker: Worker, probe_spans: Sequence[ProbeSpan], now: Micros) -> Worker:
        series = self._telemetry.points([worker.id], worker.started_at, now + 1, MAX_TREND_POINTS)
        own_memory = subtract_probe_memory(series[worker.id], probe_spans)
        judgement = judge_worker(own_memory, worker.started_at)
        grows = judgement.verdict is GrowthVerdict.GROWING
        return replace(
            worker,
            judgement=judgement,
            hits=min(worker.hits + 1, MIN_HITS) if grows else 0,
            judged_requests=worker.requests,
            judged_at=now,
        )
