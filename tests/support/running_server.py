"""A real server on a real port, in a thread of the test."""

import asyncio
import http.client
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.wait import wait_until

from bugsly_server.app import Server
from bugsly_server.clock import Clock, now
from bugsly_server.http_server import HttpServer, bind_socket
from bugsly_server.model.issue import Issue, IssueChange
from bugsly_server.model.project_key import ProjectKeyKind
from bugsly_server.model.worker import Worker
from bugsly_server.settings import load_settings
from bugsly_server.store.meta import project_keys, projects, workers


class HttpReply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def detail(self) -> str:
        """Return the one line of a refusal, which its header has to repeat."""
        line: str = json.loads(self.body)["detail"]
        assert "\n" not in line
        assert (
            self.headers["x-sentry-error"]
            == line.replace("→", "->").encode("ascii", "replace").decode()
        )
        return line


class ServedProject(NamedTuple):
    id: int
    key: str

    @property
    def path(self) -> str:
        return f"/api/{self.id}/envelope/"

    def dsn(self, port: int) -> str:
        return f"http://{self.key}@127.0.0.1:{port}/{self.id}"

    @property
    def auth(self) -> dict[str, str]:
        return {"X-Sentry-Auth": f"Sentry sentry_version=7, sentry_key={self.key}"}


class RunningServer:
    """A running server; `announced` are the changes it announced."""

    def __init__(self, folder: Path, clock: Clock, given: Mapping[str, str]) -> None:
        settings = load_settings({"data_dir": str(folder), "port": "0", **given}, {})
        self.announced: list[tuple[Issue, IssueChange]] = []
        self.server = Server(
            settings, clock, lambda *announcement: self.announced.append(announcement)
        )
        sock = bind_socket(settings)
        self.port: int = sock.getsockname()[1]
        self._listener = HttpServer(self.server, sock)
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._listener.run_until_stopped())
        )
        self._thread.start()
        wait_until(self._listener.has_started.is_set, what="the server")

    def stop(self) -> None:
        self._listener.stop()
        self._thread.join()

    def project(self, slug: str, kind: ProjectKeyKind = ProjectKeyKind.AGENT) -> ServedProject:
        with self.server.store.database.writing() as connection:
            made = projects.ensure(connection, slug, now())
            key = project_keys.ensure(connection, made.id, kind, now())
        return ServedProject(made.id, key.public)

    def send(
        self,
        path: str,
        body: Any = b"",
        headers: Mapping[str, str] | None = None,
        method: str = "POST",
    ) -> HttpReply:
        """Return the reply to one request; an iterable *body* is sent in chunks."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return HttpReply(response.status, names, response.read())
        finally:
            connection.close()

    def measured_workers(self, project: ServedProject) -> list[Worker]:
        """Return the living workers of a project whose memory is known."""
        with self.server.store.database.reading() as connection:
            return [one for one in workers.list_living(connection, project.id) if one.anonymous]

    def skipped(self, project: ServedProject) -> dict[str, int]:
        """Return what ingest did not keep of a project."""
        counted = self.server.envelopes.skipped.items()
        return {why: amount for (project_id, why), amount in counted if project_id == project.id}


@contextmanager
def running_server(folder: Path, clock: Clock = now, **given: str) -> Iterator[RunningServer]:
    """Give a running server with settings as *given* for the block."""
    server = RunningServer(folder, clock, given)
    try:
        yield server
    finally:
        server.stop()
