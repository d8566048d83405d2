"""A worker is asked in the reply to its envelope, and its answer becomes part of the dossier."""

import json
from pathlib import Path

import pytest
from tests.support.serving import Project, Serving, serving
from tests.support.values import sample, worker
from tests.support.wait import wait_until

from bugsly.protocol.envelope import build_envelope
from bugsly.protocol.evidence import Answer, Ask, Evidence, Source, Trim
from bugsly.protocol.memory import encode_report, encode_sample
from bugsly_server.clock import now
from bugsly_server.model.dossier import Dossier
from bugsly_server.store.dossier import of_environment
from bugsly_server.store.meta import asks, workers

TRIM = Ask(id=0, probe="trim")
FILES = Ask(id=0, probe="source", files=("/app/shop/views.py", "/app/shop/models.py"))


class Shop:
    """A server, and a project of it with a worker for each letter."""

    def __init__(self, server: Serving) -> None:
        self.server = server
        self.project: Project = server.project("shop")

    def report(self, letter: str, number: int = 1, *answers: Answer) -> list[Ask]:
        """Send one sample and *answers*; return what is asked in the reply."""
        who = worker(id=letter * 32, age=number * 20_000_000)
        evidence = Evidence(answers=answers) if answers else None
        payload = encode_report(who, [encode_sample(sample(number))], (), {}, evidence)
        return self.post({"worker": who.id}, payload)

    def post(self, header: dict[str, object], payload: bytes) -> list[Ask]:
        body = build_envelope(header, [("memory", payload)])
        reply = self.server.send(self.project.path, body, self.project.auth)
        assert reply.status == 200
        told = json.loads(reply.body)
        asked = [Ask(**{**one, "files": tuple(one["files"])}) for one in told.pop("ask", [])]
        assert told == {"id": ""}
        return asked

    def ask(self, letter: str, wanted: Ask) -> bool:
        """Ask a worker once it is known."""
        store = self.server.server.store

        def known() -> bool:
            with store.database.reading() as connection:
                return bool(workers.find(connection, self.project.id, [letter * 32]))

        wait_until(known, what="the worker")
        with store.database.reading() as connection:
            found = workers.find(connection, self.project.id, [letter * 32])
        return self.server.server.pipeline.ask(found[letter * 32], wanted, now())

    def open(self) -> list[str]:
        with self.server.server.store.database.reading() as connection:
            return [one.ask.probe for one in asks.open_(connection, self.project.id)]

    def dossier(self) -> Dossier:
        store = self.server.server.store
        with store.database.reading() as connection:
            return of_environment(connection, store.telemetry, self.project.id, "", now())


def test_a_worker_is_asked_once_and_its_answer_is_kept(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        shop = Shop(server)
        assert shop.report("a") == shop.report("b") == []
        assert shop.ask("a", TRIM)
        assert not shop.ask("b", TRIM)
        assert shop.report("b", 2) == []
        (asked,) = shop.report("a", 2)
        assert asked.probe == "trim"
        assert shop.report("a", 3) == []
        assert shop.open() == ["trim"]
        shop.report("a", 4, Answer(ask=asked.id, trim=Trim(before=9, after=5)))
        wait_until(lambda: shop.open() == [], what="the answer")
        lives = {one.worker_id: one.trims for one in shop.dossier().lives}
        assert sorted(lives.values()) == [(), (Trim(before=9, after=5),)]


def test_sources_as_long_as_they_may_be_arrive(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        shop = Shop(server)
        shop.report("a")
        assert shop.ask("a", FILES)
        (asked,) = shop.report("a", 2)
        read = tuple(Source(file=name, module="", text="ü" * 262_144) for name in asked.files)
        shop.report("a", 3, Answer(ask=asked.id, sources=read))
        wait_until(lambda: shop.open() == [], what="the answer")
        assert shop.dossier().sources == {one.file: one for one in read}


def test_what_was_not_sent_before_a_restart_is_sent_after_it(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        shop = Shop(server)
        shop.report("a")
        assert shop.ask("a", TRIM)
    with serving(tmp_path) as server:
        again = Shop(server)
        numbers = iter(range(2, 10_000))
        asked: list[Ask] = []

        def is_asked() -> bool:
            asked.extend(again.report("a", next(numbers)))
            return bool(asked)

        wait_until(is_asked, what="the ask")
        assert [one.probe for one in asked] == ["trim"]


@pytest.mark.parametrize("header", [{}, {"worker": 7}, {"worker": "b" * 32}, {"worker": ["a"]}])
def test_a_client_that_is_not_known_is_asked_nothing(
    tmp_path: Path, header: dict[str, object]
) -> None:
    with serving(tmp_path) as server:
        shop = Shop(server)
        shop.report("a")
        assert shop.ask("a", TRIM)
        assert shop.post(header, b"{}") == []
        assert len(shop.report("a", 2)) == 1
