"""Workers of a real Gunicorn against a real server, and somebody who knows their DSN and ids."""

import json
import os
import signal
from pathlib import Path

from sqlalchemy import select
from tests.support.gunicorn import AgentInstall, watched_command
from tests.support.protocol_values import sample, worker
from tests.support.running_program import Program, running_program
from tests.support.running_server import RunningServer, ServedProject, running_server
from tests.support.wait import wait_until

from bugsly.protocol.envelope import build_envelope
from bugsly.protocol.evidence import ProbeRequest
from bugsly.protocol.memory import Exit, ExitReason, encode_report, encode_sample
from bugsly_server.clock import now
from bugsly_server.model.worker import Worker
from bugsly_server.store.meta import probe_requests, workers
from bugsly_server.store.meta.tables import worker as worker_table


class WatchedShop:
    """A shop of two workers that report to a server, and what a stranger sends there."""

    def __init__(self, server: RunningServer, project: ServedProject, running: Program) -> None:
        self.server = server
        self.project = project
        self.running = running
        self.database = server.server.store.database

    def tokens(self) -> dict[str, str | None]:
        """Return the hash of the secret of each worker, by the id it calls itself by."""
        columns = select(worker_table.c.token, worker_table.c.secret_hash)
        with self.database.reading() as connection:
            return {row.token: row.secret_hash for row in connection.execute(columns)}

    def worker(self, token: str) -> Worker:
        with self.database.reading() as connection:
            return workers.find_by_tokens(connection, self.project.id, [token])[token]

    def forge(self, token: str, **header: str) -> list[object]:
        """Report in the name of a worker; return what is asked of who did."""
        named = worker(id=token, age=10**12)
        ended = Exit(worker=token, reason=ExitReason.KILLED, signal=9)
        forged = [encode_sample(sample(10**6, anonymous=7))]
        body = build_envelope(
            {"worker": token, **header}, [("memory", encode_report(named, forged, [ended], {}))]
        )
        reply = self.server.send(self.project.path, body, self.project.auth)
        assert reply.status == 200
        asked: list[object] = json.loads(reply.body).get("ask", [])
        return asked

    def is_answered(self) -> bool:
        with self.database.reading() as connection:
            return not probe_requests.list_open(connection, self.project.id)

    def has_been_killed(self, pid: int) -> bool:
        found = map(self.worker, self.tokens())
        return any(one.pid == pid and one.exit_reason is ExitReason.KILLED for one in found)


def test_a_stranger_gets_no_request_and_changes_nothing(tmp_path: Path) -> None:
    with running_server(tmp_path / "server") as server:
        project = server.project("shop")
        environ = {
            "BUGSLY_DSN": project.dsn(server.port),
            "BUGSLY_SAMPLE_EVERY": "0.5",
            "BUGSLY_STRICT": "1",
        }
        line = watched_command(AgentInstall.CONF, ("-w", "2"), "shop:app")
        with running_program(line, tmp_path, environ) as running:
            shop = WatchedShop(server, project, running)
            wait_until(lambda: len(server.measured_workers(project)) == 2, what="both report")
            _check_probe(shop)
            _check_exit(shop)


def _check_probe(shop: WatchedShop) -> None:
    hashes = shop.tokens()
    assert None not in hashes.values()
    assert len(set(hashes.values())) == 2
    token = min(hashes)
    shop.server.server.pipeline.request_probe(
        shop.worker(token), ProbeRequest(id=0, probe="trim"), now()
    )
    stolen: list[object] = []

    def is_answered_to_its_worker() -> bool:
        stolen.extend([*shop.forge(token), *shop.forge(token, secret="guessed")])
        return shop.is_answered()

    wait_until(is_answered_to_its_worker, what="the worker answers")
    assert stolen == []
    assert shop.worker(token).anonymous > 1_000_000
    assert shop.worker(token).ended_at is None


def _check_exit(shop: WatchedShop) -> None:
    pid = shop.running.children[0]
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: shop.has_been_killed(pid), what="its master is believed")
