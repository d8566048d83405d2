"""What an app needs beside it, as a Redis."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

START_TIMEOUT_SECONDS = 10.0


class SidecarNotStarted(Exception):
    """A sidecar that does not run here; the text says why."""


@contextlib.contextmanager
def running_sidecar(
    command: Sequence[str], python: str, folder: Path, scratch: Path
) -> Iterator[dict[str, str]]:
    """Run *command* for the block and give the variables that tell the app of it."""
    if not command:
        yield {}
        return
    port = _free_port()
    arguments = [
        python if word == "python" else _fill_placeholders(word, str(port), str(scratch))
        for word in command
    ]
    try:
        process = subprocess.Popen(
            arguments,
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise SidecarNotStarted(f"{arguments[0]}: {error.strerror}") from None
    try:
        _await_port(port)
        yield {"ZOO_SIDECAR_PORT": str(port)}
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _fill_placeholders(word: str, port: str, scratch: str) -> str:
    return word.replace("{port}", port).replace("{tmp}", scratch)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await_port(port: int) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.5):
            return
        time.sleep(0.05)
    raise SidecarNotStarted(f"nothing listens after {START_TIMEOUT_SECONDS:.0f} s")
