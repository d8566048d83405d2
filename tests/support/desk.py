"""The pipeline on a folder of its own, with a clock, and reports to put into it."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.clock import FakeClock
from tests.support.values import worker

from bugsly.protocol.evidence import Evidence
from bugsly.protocol.memory import Exit, Sample, encode_report, encode_sample
from bugsly.protocol.net import Net
from bugsly_server.clock import SECOND, Micros
from bugsly_server.mailbox import Mailbox
from bugsly_server.model.dossier import Dossier
from bugsly_server.model.issue import Change
from bugsly_server.model.series import Point
from bugsly_server.model.worker import Worker
from bugsly_server.pipeline import Pipeline, Store
from bugsly_server.store.dossier import of_environment
from bugsly_server.store.meta import counters, projects, workers
from bugsly_server.store.meta.database import Database
from bugsly_server.store.ports import Entry
from bugsly_server.store.telemetry import SqliteEvents, SqliteTelemetry

LIFE = 100 * SECOND


def token(number: int) -> str:
    return f"{number:032x}"


def report(
    samples: Iterable[Sample] = (),
    exits: Iterable[Exit] = (),
    lost: dict[str, int] | None = None,
    evidence: Evidence | None = None,
    net: Net | None = None,
    **facts: Any,
) -> bytes:
    """Return the payload of one report of the worker that *facts* describe."""
    facts = {"id": token(1), "age": LIFE, **facts}
    taken = map(encode_sample, samples)
    return encode_report(worker(**facts), taken, exits, lost or {}, evidence, net)


class Desk:
    """A pipeline, its stores, and what they hold."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.database = Database(folder / "meta.db")
        self.database.migrate()
        self.telemetry = SqliteTelemetry(folder / "telemetry", 90)
        self.events = SqliteEvents(folder / "telemetry", 90)
        self.most_errors = 10_000
        self.told: list[tuple[Any, Change]] = []
        self.pipeline = self.start()
        self.shop = self.project("shop")

    def start(self) -> Pipeline:
        """Return a pipeline that remembers nothing, as after a restart."""
        self.mailbox = Mailbox()
        self.pipeline = Pipeline(
            Store(
                database=self.database,
                telemetry=self.telemetry,
                events=self.events,
                most_errors=self.most_errors,
            ),
            self.mailbox,
            self.clock,
            lambda *told: self.told.append(told),
        )
        return self.pipeline

    def project(self, slug: str) -> int:
        with self.database.writing() as connection:
            return projects.ensure(connection, slug, self.clock()).id

    def entry(self, payload: bytes, project: int | None = None) -> Entry:
        return Entry(project or self.shop, self.clock(), "memory", payload)

    def digest(self, *payloads: bytes, project: int | None = None) -> None:
        """Digest *payloads* in one batch, as they arrive now."""
        self.pipeline.digest([self.entry(payload, project) for payload in payloads])
        self.pipeline.find(self.clock())

    def tend(self) -> None:
        self.pipeline.tend(Counter(), self.clock())

    def workers(self, project: int | None = None) -> dict[str, Worker]:
        """Return the workers of a project by token."""
        tokens = [token(number) for number in range(100)]
        with self.database.reading() as connection:
            return workers.find(connection, project or self.shop, tokens)

    def worker(self, number: int = 1) -> Worker:
        return self.workers()[token(number)]

    def points(self, number: int = 1, project: int | None = None) -> list[Point]:
        """Return the latest samples of a worker."""
        found = self.workers(project)[token(number)]
        now: Micros = self.clock()
        return self.telemetry.points([found.id], now - 3600 * SECOND, now + 1, 9_999)[found.id]

    def skipped(self, project: int | None = None) -> dict[str, int]:
        """Return what was not kept, with what is about to be counted."""
        mine = project or self.shop
        with self.database.reading() as connection:
            total = Counter(counters.since(connection, mine, 0))
        for (project_id, why), amount in self.pipeline.skipped.items():
            total[why] += amount if project_id == mine else 0
        return {why: amount for why, amount in total.items() if amount}

    def dossier(self, environment: str = "", project: int | None = None) -> Dossier:
        with self.database.reading() as connection:
            return of_environment(
                connection, self.telemetry, project or self.shop, environment, self.clock()
            )

    def close(self) -> None:
        self.telemetry.close()
        self.events.close()
        self.database.close()


@contextmanager
def desk(folder: Path) -> Iterator[Desk]:
    """Give a desk for the block."""
    made = Desk(folder)
    try:
        yield made
    finally:
        made.close()
