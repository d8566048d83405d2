"""Runs Bugsink from its package as its documentation says, to load it as we load ourselves."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx2

from tools.bench.peer_environment import ROOT
from tools.bench.processes import await_port, free_port, rss, running_process, workers_of
from tools.bench.server import load_figures, run_wrk, write_script

VERSION = "2.6.2"
ENVIRONMENT_FOLDER = ROOT / ".venv-bugsink"
UNLIMITED_EVENTS = """
BUGSINK |= dict.fromkeys(
    [f"MAX_EVENTS_PER_{whose}{span}" for whose in ("", "PROJECT_PER_") for span in ("5_MINUTES", "HOUR")]
    + ["MAX_EVENTS_PER_MONTH"],
    10**9,
)
"""
DIGEST_TIMEOUT_SECONDS = 600.0
"""Seconds to digest what was accepted."""


def measure_bugsink(seconds: int, write: Callable[[Path, int], None]) -> dict[str, float]:
    """Load Bugsink for *seconds* with the bodies that *write* makes; return the figures."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        with _running_bugsink(Path(folder), port) as (pids, api):
            key = _create_project(api)
            script = write_script(Path(folder), key, seconds, write)
            idle = sum(map(rss, pids))
            started_at = time.monotonic()
            done = run_wrk(script, port, seconds)
            loaded = sum(map(rss, pids))
            digested, took = _await_digested(api, started_at)
    found = load_figures(done, seconds, took, idle, loaded)
    lost = max(0.0, found["acknowledged"] * seconds - digested)
    return {
        **found,
        "digested": digested / took,
        "refused or lost": found["refused or lost"] + lost,
    }


@contextmanager
def _running_bugsink(folder: Path, port: int) -> Iterator[tuple[list[int], httpx2.Client]]:
    """Run its two web workers and its digester on *folder*; give their ids, and its API."""
    bin_ = _commands_folder()
    environ = {**os.environ, "PYTHONPATH": str(folder), "HOME": str(folder)}

    def command(name: str, *arguments: str) -> str:
        return subprocess.run(
            [bin_ / name, *arguments], cwd=folder, env=environ, check=True, capture_output=True, text=True
        ).stdout  # fmt: skip

    server_options = ["--template=singleserver", "--host=127.0.0.1", f"--port={port}"]
    command("bugsink-create-conf", *server_options, f"--base-dir={folder}")
    with (folder / "bugsink_conf.py").open("a", encoding="utf-8") as conf:
        conf.write(UNLIMITED_EVENTS)
    command("bugsink-manage", "migrate")
    command("bugsink-manage", "migrate", "snappea", "--database=snappea")
    token = command("bugsink-manage", "create_auth_token").split()[-1]
    web = [str(bin_ / "gunicorn"), "-b", f"127.0.0.1:{port}", "--workers=2", "bugsink.wsgi"]
    with ExitStack() as started:
        digester = started.enter_context(
            running_process([str(bin_ / "bugsink-runsnappea")], environ, folder)
        )
        master = started.enter_context(running_process(web, environ, folder))
        await_port(port)
        time.sleep(5)
        api = httpx2.Client(
            base_url=f"http://127.0.0.1:{port}/api/canonical/0/",
            headers={"Authorization": f"Bearer {token}"},
        )
        yield [digester.pid, master.pid, *workers_of(master.pid)], started.enter_context(api)


def _commands_folder() -> Path:
    """Return the folder of its commands, installed if need be."""
    uv = shutil.which("uv") or str(ROOT / ".tools" / "bin" / "uv")
    python = ENVIRONMENT_FOLDER / "bin" / "python"
    if not python.exists():
        subprocess.run([uv, "venv", "--quiet", str(ENVIRONMENT_FOLDER)], check=True)
    install = [uv, "pip", "install", "--quiet", "--python", str(python), f"bugsink=={VERSION}"]
    subprocess.run(install, check=True)
    return python.parent


def _create_project(api: httpx2.Client) -> str:
    """Make a project, its first; return the key of its DSN."""
    team = api.post("teams/", json={"name": "bench"}).json()["id"]
    project_settings = {"name": "bench", "team": team, "retention_max_event_count": 10**6}
    api.post("projects/", json=project_settings).raise_for_status()
    dsn: str = api.get("projects/1/").json()["dsn"]
    return dsn.split("://")[1].split("@", maxsplit=1)[0]


def _await_digested(api: httpx2.Client, started_at: float) -> tuple[int, float]:
    """Return how many events are digested once no more are, and the seconds since *started_at*."""
    digested, last = 0, time.monotonic()
    while time.monotonic() - last < 10 and time.monotonic() - started_at < DIGEST_TIMEOUT_SECONDS:
        time.sleep(0.2)
        now = api.get("projects/1/").json()["digested_event_count"]
        if now > digested:
            digested, last = now, time.monotonic()
    return digested, last - started_at
