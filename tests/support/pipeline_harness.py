"""A pipeline on a folder of its own with a fake clock, and reports to put into it."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.support.clock import FakeClock
from tests.support.protocol_values import worker

from bugsly.protocol.evidence import Evidence
from bugsly.protocol.memory import Exit, Sample, encode_report, encode_sample
from bugsly.protocol.safety_net import RecyclerReport
from bugsly_server.clock import SECOND, Micros
from bugsly_server.model.issue import IssueChange
from bugsly_server.model.leak_evidence import LeakEvidence
from bugsly_server.model.time_series import MemoryPoint
from bugsly_server.model.worker import Worker, hash_secret
from bugsly_server.pending_probe_requests import PendingProbeRequests
from bugsly_server.pipeline import Pipeline, PipelineStores
from bugsly_server.store.leak_evidence import of_environment
from bugsly_server.store.meta import counters, projects, workers
from bugsly_server.store.meta.database import Database
from bugsly_server.store.ports import SpoolEntry
from bugsly_server.store.telemetry import SqliteEventStore, SqliteTelemetry

WORKER_AGE = 100 * SECOND


def token(number: int) -> str:
    return f"{number:032x}"


def report(
    samples: Iterable[Sample] = (),
    exits: Iterable[Exit] = (),
    lost: dict[str, int] | None = None,
    evidence: Evidence | None = None,
    net: RecyclerReport | None = None,
    **facts: Any,
) -> bytes:
    """Return the payload of one report of the worker that *facts* describe."""
    facts = {"id": token(1), "age": WORKER_AGE, **facts}
    taken = map(encode_sample, samples)
    return encode_report(worker(**facts), taken, exits, lost or {}, evidence, net)


class PipelineHarness:
    """A pipeline, its stores, and what they hold."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.database = Database(folder / "meta.db")
        self.database.migrate()
        self.telemetry = SqliteTelemetry(folder / "telemetry", 90)
        self.events = SqliteEventStore(folder / "telemetry", 90)
        self.max_errors = 10_000
        self.max_leaks = 500
        self.announced: list[tuple[Any, IssueChange]] = []
        self.pipeline = self.start()
        self.shop = self.project("shop")

    def start(self) -> Pipeline:
        """Return a pipeline that remembers nothing, as after a restart."""
        self.pending_probe_requests = PendingProbeRequests()
        self.pipeline = Pipeline(
            PipelineStores(
                database=self.database,
                telemetry=self.telemetry,
                events=self.events,
                max_errors=self.max_errors,
                max_leaks=self.max_leaks,
            ),
            self.pending_probe_requests,
            self.clock,
            lambda *announcement: self.announced.append(announcement),
        )
        return self.pipeline

    def project(self, slug: str) -> int:
        with self.database.writing() as connection:
            return projects.ensure(connection, slug, self.clock()).id

    def entry(self, payload: bytes, project: int | None = None, secret: str = "") -> SpoolEntry:
        return SpoolEntry(
            project or self.shop,
            self.clock(),
            "memory",
            payload,
            secret_hash=hash_secret(secret),
        )

    def digest(self, *payloads: bytes, project: int | None = None) -> None:
        """Digest *payloads* in one batch, as they arrive now."""
        self.pipeline.digest([self.entry(payload, project) for payload in payloads])
        self.pipeline.detect(self.clock())

    def tend(self) -> None:
        self.pipeline.maintain(Counter(), self.clock())

    def workers(self, project: int | None = None) -> dict[str, Worker]:
        """Return the workers of a project by token."""
        tokens = [token(number) for number in range(100)]
        with self.database.reading() as connection:
            return workers.find_by_tokens(connection, project or self.shop, tokens)

    def worker(self, number: int = 1) -> Worker:
        return self.workers()[token(number)]

    def points(self, number: int = 1, project: int | None = None) -> list[MemoryPoint]:
        """Return the latest samples of a worker."""
        found = self.workers(project)[token(number)]
        now: Micros = self.clock()
        return self.telemetry.points([found.id], now - 3600 * SECOND, now + 1, 9_999)[found.id]

    def skipped(self, project: int | None = None) -> dict[str, int]:
        """Return what was not kept, with what is about to be counted."""
        project_or_shop = project or self.shop
        with self.database.reading() as connection:
            total = Counter(counters.totals_since(connection, project_or_shop, 0))
        for (project_id, why), amount in self.pipeline.skipped.items():
            total[why] += amount if project_id == project_or_shop else 0
        return {why: amount for why, amount in total.items() if amount}

    def leak_evidence(self, environment: str = "", project: int | None = None) -> LeakEvidence:
        with self.database.reading() as connection:
            return of_environment(
                connection, self.telemetry, project or self.shop, environment, self.clock()
            )

    def close(self) -> None:
        self.telemetry.close()
        self.events.close()
        self.database.close()


@contextmanager
def pipeline_harness(folder: Path) -> Iterator[PipelineHarness]:
    """Open a pipeline in *folder* for the block."""
    made = PipelineHarness(folder)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[PipelineHarness]:
    with pipeline_harness(tmp_path) as opened:
        yield opened
