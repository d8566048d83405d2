"""A whole server inside the test, with a visitor who is logged in and workers that report."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from httpx2 import Response
from starlette.testclient import TestClient
from tests.support.clock import FakeClock
from tests.support.recorded_reports import record_reports

from bugsly.protocol.evidence import Evidence, HolderCount
from bugsly.protocol.memory import (
    EndpointInFlight,
    Exit,
    Sample,
    SampledTraffic,
    WorkerInfo,
    encode_report,
    encode_sample,
)
from bugsly.protocol.safety_net import RecyclerReport
from bugsly_server.app import Server
from bugsly_server.clock import SECOND, Clock
from bugsly_server.model.project_key import ProjectKeyKind
from bugsly_server.record.memory_recorder import MemoryRecorder
from bugsly_server.settings import load_settings
from bugsly_server.store.meta import accounts, project_keys, projects
from bugsly_server.store.ports import SpoolEntry

HOST = "bugs.test"
BASE = f"http://{HOST}"
OWNER = {"name": "ada", "password": "correct horse"}


class SiteHarness:
    """A server with one project, `shop`, and what tests do to it."""

    def __init__(self, folder: Path, clock: Clock, given: Mapping[str, str]) -> None:
        self.clock = clock
        settings = load_settings(
            {"data_dir": str(folder), "port": "0", "allowed_hosts": HOST, **given}, {}
        )
        self.server = Server(settings, clock, lambda _issue, _change: None)
        self.database = self.server.store.database
        self.client = TestClient(self.server.asgi, base_url=BASE, follow_redirects=False)
        with self.database.writing() as connection:
            self.project = projects.ensure(connection, "shop", clock())
            self.key = project_keys.ensure(
                connection, self.project.id, ProjectKeyKind.AGENT, clock()
            ).public

    def claim(self, **answers: str) -> Response:
        """Create the owner's account with the code that the server would have printed."""
        with self.database.writing() as connection:
            code = accounts.make_claim_code(connection, self.clock())
        return self.client.post("/welcome", data={**OWNER, "code": code, **answers})

    def log_in(self, name: str = "owner") -> None:
        """Give the client the session of a new account."""
        with self.database.writing() as connection:
            account = accounts.create(connection, name, None, self.clock())
            secret = accounts.open_session(connection, account.id, self.clock())
        self.client.cookies.set("bugsly-80", secret)

    def report(
        self,
        *,
        samples: int = 20,
        exits: tuple[Exit, ...] = (),
        evidence: Evidence | None = None,
        held: Mapping[str, int] | None = None,
        net: RecyclerReport | None = None,
        under_way: tuple[EndpointInFlight, ...] = (),
        **facts: Any,
    ) -> None:
        """Let a worker report *samples*, ten seconds apart, up to now.

        Each holder of *held* has gained so many entries in each of them.
        """
        worker: dict[str, Any] = {
            "id": "a" * 32,
            "pid": 4242,
            "host": "web-1",
            "machine": "0a1b2c3d",
            "age": (samples + 1) * 10 * SECOND,
            "server": "gunicorn 27.0.1 sync",
            "release": "1.0",
            "environment": "production",
            "python": "3.11.7",
        } | facts
        taken = [_sample(number, held or {}) for number in range(1, samples + 1)]
        taken[-1] = replace(taken[-1], in_flight=len(under_way), under_way=under_way)
        payload = encode_report(
            WorkerInfo(**worker), map(encode_sample, taken), exits, {}, evidence, net
        )
        entry = SpoolEntry(self.project.id, self.clock(), "memory", payload)
        record_reports(MemoryRecorder(self.database, self.server.store.telemetry), [entry])


def _sample(number: int, entries_per_sample: Mapping[str, int]) -> Sample:
    traffic = (
        SampledTraffic(endpoint="GET /items/<int:id>", requests=50, micros=90_000, sent=5_000),
    )
    return Sample(
        number=number,
        age=number * 10 * SECOND,
        anonymous=50_000_000 + number * 100_000,
        shared=9_000_000,
        requests=number * 50,
        descriptors=12,
        threads=3,
        used=2_000_000_000,
        limit=8_000_000_000,
        traffic=traffic,
        levels=tuple(
            HolderCount(holder=name, count=each * number)
            for name, each in entries_per_sample.items()
        ),
    )


@contextmanager
def site_harness(folder: Path, clock: Clock | None = None, **given: str) -> Iterator[SiteHarness]:
    """Give a site of settings *given* whose threads do not run: only the test does anything."""
    made = SiteHarness(folder, clock or FakeClock(), given)
    try:
        yield made
    finally:
        made.client.close()
        made.server.close()
