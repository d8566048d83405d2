"""A real `bugsly serve` on loopback with something to show, its memory and its log."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bugsly.protocol.dsn import Dsn, parse_dsn
from bugsly.protocol.envelope import build_envelope
from bugsly_server.app import DataFolder
from bugsly_server.clock import now
from bugsly_server.settings import load_settings
from bugsly_server.store.meta import accounts
from tools.bench.processes import await_port, free_port, rss, running_process
from tools.fuzz.corpus import CORPUS_PATH
from tools.fuzz.http.templates import ServerAccess

BUGSLY = (sys.executable, "-m", "bugsly")
START_SECONDS = 60.0
DIGEST_SECONDS = 120.0
"""For a good event to be digested behind all that was fuzzed."""
TRACEBACK = re.compile(
    r"^[ |+]*Traceback \(most recent call last\):\n(?:[ |+]+.*\n)*(.*)", re.MULTILINE
)
"""Up to the first line after the calls, which says what was raised."""
UNLIMITED = {"BUGSLY_EVENTS_PER_MINUTE": "1000000", "BUGSLY_EVENTS_PER_DAY": "1000000000"}
"""What is fuzzed is how requests are read, not that a quota refuses most of them."""


@dataclass(frozen=True, slots=True)
class FuzzedServer:
    """A server that is running, and what opens it."""

    port: int
    pid: int
    access: ServerAccess
    spare_dsn: str
    """Of a project that is not fuzzed."""
    log: Path

    def rss(self) -> int:
        """Return its resident memory, bytes."""
        return rss(self.pid)

    def log_text(self) -> str:
        """Return what it has printed so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def tracebacks(self) -> Counter[str]:
        """Return the last lines of the tracebacks that it has printed, by how often."""
        return Counter(TRACEBACK.findall(self.log_text()))

    def digests(self, message: str) -> bool:
        """Send an event with *message* to the spare project, and return whether it is digested."""
        event = json.dumps({"message": message, "level": "error"}).encode()
        self.send(parse_dsn(self.spare_dsn), "event", event)
        deadline = time.monotonic() + DIGEST_SECONDS
        while time.monotonic() < deadline:
            if message in json.dumps(self._issues()):
                return True
            time.sleep(0.2)
        return False

    def send(self, dsn: Dsn, kind: str, payload: bytes) -> None:
        """Send an envelope with one item to the project of *dsn*."""
        url = f"http://127.0.0.1:{self.port}{dsn.path}?sentry_key={dsn.key}"
        body = build_envelope({}, [(kind, payload)])
        urllib.request.urlopen(url, body, timeout=30).close()

    def _issues(self) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/v1/issues?project=spare",
            headers={"Authorization": f"Bearer {self.access.token}"},
        )
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 - loopback
            return json.load(response)


@contextmanager
def fuzzed_server(folder: Path) -> Iterator[FuzzedServer]:
    """Run a server on *folder* with an owner, two projects, an error and a worker."""
    data_dir, port = folder / "data", free_port()
    dsn, spare_dsn = (_dsn(data_dir, slug) for slug in ("app", "spare"))
    with (
        closing(DataFolder(load_settings({"data_dir": str(data_dir)}, {}))) as store,
        store.database.writing() as connection,
    ):
        owner = accounts.create(connection, "owner", None, now())
        token = accounts.make_token(connection, owner.id, "fuzz", now())
        session = accounts.open_session(connection, owner.id, now())
    access = ServerAccess(
        host=f"127.0.0.1:{port}",
        key=parse_dsn(dsn).key,
        token=token,
        cookie=f"bugsly-{port}={session}",
    )
    log = folder / "log"
    command = [*BUGSLY, "serve", "--data-dir", str(data_dir), "--port", str(port)]
    environ = {**os.environ, **UNLIMITED}
    with log.open("wb") as output, running_process(command, environ, output=output) as process:
        await_port(port, START_SECONDS)
        server = FuzzedServer(port, process.pid, access, spare_dsn, log)
        server.send(parse_dsn(dsn), "event", _kept("event", "key-error"))
        server.send(parse_dsn(dsn), "memory", _kept("memory_report", "one-sample"))
        assert server.digests("sent before all that is fuzzed")
        yield server


def _kept(target: str, name: str) -> bytes:
    return (CORPUS_PATH / target / name).read_bytes()


def _dsn(data_dir: Path, slug: str) -> str:
    command = [*BUGSLY, "dsn", slug, "--data-dir", str(data_dir)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
