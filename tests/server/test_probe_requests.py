"""A probe request is sent in the reply to an envelope; its result becomes evidence."""

import json
from pathlib import Path

import pytest
from tests.support.protocol_values import sample, worker
from tests.support.running_server import RunningServer, ServedProject, running_server
from tests.support.wait import wait_until

from bugsly.protocol.envelope import build_envelope
from bugsly.protocol.evidence import Evidence, ModuleSource, ProbeRequest, ProbeResult, TrimResult
from bugsly.protocol.memory import encode_report, encode_sample
from bugsly_server.clock import now
from bugsly_server.model.leak_evidence import LeakEvidence
from bugsly_server.store.leak_evidence import of_environment
from bugsly_server.store.meta import probe_requests, workers

TRIM_REQUEST = ProbeRequest(id=0, probe="trim")
SOURCE_REQUEST = ProbeRequest(
    id=0, probe="source", files=("/app/shop/views.py", "/app/shop/models.py")
)


class ProbedShop:
    """A server, and a project of it with a worker for each letter."""

    def __init__(self, server: RunningServer) -> None:
        self.server = server
        self.project: ServedProject = server.project("shop")

    def report(self, letter: str, number: int = 1, *answers: ProbeResult) -> list[ProbeRequest]:
        """Send one sample and *answers*; return what is asked in the reply."""
        reporting_worker = worker(id=letter * 32, age=number * 20_000_000)
        evidence = Evidence(answers=answers) if answers else None
        payload = encode_report(reporting_worker, [encode_sample(sample(number))], (), {}, evidence)
        return self.post({"worker": reporting_worker.id}, payload)

    def post(self, header: dict[str, object], payload: bytes) -> list[ProbeRequest]:
        body = build_envelope(header, [("memory", payload)])
        reply = self.server.send(self.project.path, body, self.project.auth)
        assert reply.status == 200
        reply_json = json.loads(reply.body)
        requests = [
            ProbeRequest(**{**one, "files": tuple(one["files"])})
            for one in reply_json.pop("ask", [])
        ]
        assert reply_json == {"id": ""}
        return requests

    def request_probe(self, letter: str, probe_request: ProbeRequest) -> bool:
        """Ask a worker once it is known."""
        store = self.server.server.store

        def is_known() -> bool:
            with store.database.reading() as connection:
                return bool(workers.find_by_tokens(connection, self.project.id, [letter * 32]))

        wait_until(is_known, what="the worker")
        with store.database.reading() as connection:
            found = workers.find_by_tokens(connection, self.project.id, [letter * 32])
        return self.server.server.pipeline.request_probe(found[letter * 32], probe_request, now())

    def open_probes(self) -> list[str]:
        with self.server.server.store.database.reading() as connection:
            return [
                one.request.probe for one in probe_requests.list_open(connection, self.project.id)
            ]

    def leak_evidence(self) -> LeakEvidence:
        store = self.server.server.store
        with store.database.reading() as connection:
            return of_environment(connection, store.telemetry, self.project.id, "", now())


def test_a_request_is_sent_once_and_its_result_is_stored(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        shop = ProbedShop(server)
        assert shop.report("a") == shop.report("b") == []
        assert shop.request_probe("a", TRIM_REQUEST)
        assert not shop.request_probe("b", TRIM_REQUEST)
        assert shop.report("b", 2) == []
        (asked,) = shop.report("a", 2)
        assert asked.probe == "trim"
        assert shop.report("a", 3) == []
        assert shop.open_probes() == ["trim"]
        shop.report("a", 4, ProbeResult(ask=asked.id, trim=TrimResult(before=9, after=5)))
        wait_until(lambda: shop.open_probes() == [], what="the answer")
        lives = {one.worker_id: one.trims for one in shop.leak_evidence().histories}
        assert sorted(lives.values()) == [(), (TrimResult(before=9, after=5),)]


def test_sources_of_the_maximum_length_arrive(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        shop = ProbedShop(server)
        shop.report("a")
        assert shop.request_probe("a", SOURCE_REQUEST)
        (asked,) = shop.report("a", 2)
        read = tuple(ModuleSource(file=name, module="", text="ü" * 262_144) for name in asked.files)
        shop.report("a", 3, ProbeResult(ask=asked.id, sources=read))
        wait_until(lambda: shop.open_probes() == [], what="the answer")
        assert shop.leak_evidence().sources == {one.file: one for one in read}


def test_a_request_that_was_not_sent_before_a_restart_is_sent_after_it(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        shop = ProbedShop(server)
        shop.report("a")
        assert shop.request_probe("a", TRIM_REQUEST)
    with running_server(tmp_path) as server:
        again = ProbedShop(server)
        numbers = iter(range(2, 10_000))
        asked: list[ProbeRequest] = []

        def is_asked() -> bool:
            asked.extend(again.report("a", next(numbers)))
            return bool(asked)

        wait_until(is_asked, what="the ask")
        assert [one.probe for one in asked] == ["trim"]


@pytest.mark.parametrize("header", [{}, {"worker": 7}, {"worker": "b" * 32}, {"worker": ["a"]}])
def test_an_unknown_client_gets_no_request(tmp_path: Path, header: dict[str, object]) -> None:
    with running_server(tmp_path) as server:
        shop = ProbedShop(server)
        shop.report("a")
        assert shop.request_probe("a", TRIM_REQUEST)
        assert shop.post(header, b"{}") == []
        assert len(shop.report("a", 2)) == 1
