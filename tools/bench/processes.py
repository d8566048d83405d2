"""Starts what is measured: the server, and Gunicorn with a variant in it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from tools.bench.peer_environment import ROOT


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def rss(pid: int) -> int:
    """Return the resident memory of a process in bytes."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(status.split("VmRSS:")[1].split()[0]) * 1024


def wrk() -> str:
    """Return the load generator, or end with how to get it."""
    found = shutil.which("wrk")
    if found is None:
        sys.exit("bench: wrk is not installed → apt-get install wrk")
    return found


def await_port(port: int, seconds: float = 20.0) -> None:
    """Return when somebody listens on *port*."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.5):
            return
        time.sleep(0.02)
    sys.exit(f"bench: nothing listens on port {port} after {seconds:.0f} s")


@contextlib.contextmanager
def running_server(folder: str, port: int, **environ: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run `bugsly serve` on *folder*."""
    command = [sys.executable, "-m", "bugsly", "serve", "--data-dir", folder, "--port", str(port)]
    with running_process(command, {**os.environ, **environ}) as process:
        yield process


@contextlib.contextmanager
def running_gunicorn(
    python: str, variant: str, sink: str, port: int, *options: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Run Gunicorn with *variant* of the app."""
    app = "tools.bench.app_variants:make_app()"
    command = [python, "-m", "gunicorn", app, "-b", f"127.0.0.1:{port}", *options]
    environ = {**os.environ, "BENCH_VARIANT": variant, "BENCH_SINK": sink}
    with running_process(command, environ) as process:
        await_port(port)
        yield process


@contextlib.contextmanager
def leaking_gunicorn(
    port: int, log: Path, *options: str, **environ: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Run Gunicorn under Bugsly with the app that swells; what it logs goes into *log*."""
    app = "tools.bench.leaking_app:app"
    gunicorn_command = [sys.executable, "-m", "gunicorn", app, "-b", f"127.0.0.1:{port}", *options]
    agent_environ = {"BUGSLY_DSN": "http://key@127.0.0.1:9/1", "BUGSLY_RECYCLES_PER_HOUR": "100000"}
    command = [sys.executable, "-m", "bugsly", "run", "--", *gunicorn_command]
    with (
        log.open("wb") as output,
        running_process(
            command, {**os.environ, **agent_environ, **environ}, output=output
        ) as process,
    ):
        await_port(port)
        yield process


def workers_of(pid: int) -> list[int]:
    """Return the children of a Gunicorn master."""
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@contextlib.contextmanager
def running_process(
    command: list[str],
    environ: dict[str, str],
    folder: Path = ROOT,
    output: int | IO[bytes] = subprocess.DEVNULL,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run *command* in *folder* for the block; what it prints goes to *output*."""
    process = subprocess.Popen(command, cwd=folder, env=environ, stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
