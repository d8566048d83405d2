"""The server under test: `bugsly serve` on a disk and a clock that can be disturbed."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from bugsly_server.clock import now
from bugsly_server.model.project_key import ProjectKeyKind
from bugsly_server.store.meta import accounts, project_keys, projects
from bugsly_server.store.meta.database import Database
from tools.bench.processes import free_port

CLOCK_SOURCE = Path(__file__).with_name("clock_offset.c")
KEEP_FREE_MB = 2
START_SECONDS = 60.0
POLL_SECONDS = 0.02


class Reply(NamedTuple):
    """What the server answered."""

    status: int
    retry_after: str | None
    body: bytes


class ServedFolder:
    """A data folder with a project, an account and a token, and the server on it."""

    def __init__(self, folder: Path, scratch: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._log = scratch / "log"
        self._offset = scratch / "offset"
        self._clock_library = scratch / "clock_offset.so"
        self.has_settable_clock = _compile(CLOCK_SOURCE, self._clock_library)
        """Without a C compiler its clock is left alone."""
        self.set_clock(0)
        database = Database(folder / "meta.db")
        database.migrate()
        with database.writing() as connection:
            self.project = projects.ensure(connection, "app", now())
            agent_key = project_keys.ensure(
                connection, self.project.id, ProjectKeyKind.AGENT, now()
            )
            self.key = agent_key.public
            owner = accounts.create(connection, "owner", None, now())
            self._session = accounts.open_session(connection, owner.id, now())
            self._token = accounts.make_token(connection, owner.id, "chaos", now())
        database.close()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        """Return everything the server has logged in all its lives."""
        return self._log.read_text(errors="replace")

    def set_clock(self, seconds: int) -> None:
        """Set the clock of the server *seconds* ahead of the right time; < 0 for behind."""
        unfinished = self._offset.with_suffix(".new")
        unfinished.write_text(f"{seconds}\n")
        unfinished.rename(self._offset)

    def start(self) -> None:
        """Start the server and wait until it answers."""
        self._process = self._launch()
        wait_until(lambda: self._answers() or self._ended(), START_SECONDS, "the server answers")
        if self._ended():
            raise AssertionError(f"the server did not start:\n{self.log[-3_000:]}")

    def fail_to_start(self) -> int:
        """Start a server that cannot run; return its exit code."""
        self._process = self._launch()
        try:
            return self._process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            raise AssertionError("it started, although it cannot run") from None

    def kill(self) -> None:
        """End the server as a power cut does."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End the server as an operator does."""
        self._end(signal.SIGTERM)

    def get(self, path: str, *, token: bool = False) -> Reply:
        """Return a page, as the owner sees it, or what a program with the *token* reads."""
        headers = (
            {"authorization": f"Bearer {self._token}"}
            if token
            else {"cookie": f"bugsly-{self.port}={self._session}"}
        )
        return self.request("GET", path, headers)

    def post(self, envelope: bytes) -> Reply:
        """Send an envelope."""
        auth = {"x-sentry-auth": f"Sentry sentry_key={self.key}"}
        return self.request("POST", f"/api/{self.project.id}/envelope/", auth, envelope)

    def request(
        self, method: str, path: str, headers: dict[str, str], body: bytes | None = None
    ) -> Reply:
        """Return the answer to one request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, headers)
            reply = connection.getresponse()
            return Reply(reply.status, reply.getheader("retry-after"), reply.read())
        finally:
            connection.close()

    def problems(self) -> dict[str, str]:
        """Return what `/readyz` says is wrong, by check."""
        checks = json.loads(self.get("/readyz").body)["checks"]
        return {name: one["problem"] for name, one in checks.items() if not one["ok"]}

    def _answers(self) -> bool:
        try:
            return self.get("/healthz").status == 200
        except (OSError, http.client.HTTPException):
            return False

    def _ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def _launch(self) -> subprocess.Popen[bytes]:
        environ = {name: one for name, one in os.environ.items() if "BUGSLY" not in name}
        if self.has_settable_clock:
            environ["LD_PRELOAD"] = str(self._clock_library)
            environ["CLOCK_OFFSET"] = str(self._offset)
        options = {
            "--data-dir": str(self.folder),
            "--port": str(self.port),
            "--keep-free-mb": str(KEEP_FREE_MB),
            "--events-per-minute": "1000000",
        }
        flags = [part for option in options.items() for part in option]
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "bugsly", "serve", *flags],
                env=environ,
                stdout=log,
                stderr=log,
            )

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(START_SECONDS)


def _compile(source: Path, library: Path) -> bool:
    """Compile *source*; return whether there is a compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return False
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source], check=True)
    return True


def wait_until(condition: Callable[[], object], seconds: float, what: str) -> None:
    """Return once *condition* holds; fail after *seconds*."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: has not happened within {seconds:g} s")
        time.sleep(POLL_SECONDS)
