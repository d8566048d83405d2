"""Runs `run_bugsly` commands as a user does: real processes, their output kept."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.wait import wait_until

BUGSLY_COMMAND = [sys.executable, "-m", "bugsly"]


def clean_environ(**more: str) -> dict[str, str]:
    """Return the environment without any setting of ours, and without a home of anyone's."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("BUGSLY_")}
    return {**plain, "COLUMNS": "200", "BUGSLY_STRICT": "1", **more}


def run_bugsly(
    *arguments: str, seconds: float = 60, cwd: Path | None = None, **env: str
) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        [*BUGSLY_COMMAND, *arguments],
        env=clean_environ(**env),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


class RunningCommand:
    """A command that runs on; `output` is what it has printed so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def output(self) -> str:
        return "".join(self._lines)

    def await_output(self, pattern: str, seconds: float = 30) -> str:
        """Return the first group of *pattern*, or all of it, once it is printed."""
        wait_until(
            lambda: re.search(pattern, self.output) or self.process.poll() is not None,
            seconds,
            f"{pattern!r} in the output",
        )
        found = re.search(pattern, self.output)
        assert found is not None, f"ended with {self.process.poll()}:\n{self.output}"
        return found[found.lastindex or 0]

    def end(self, number: signal.Signals = signal.SIGTERM, seconds: float = 20) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        code = self.process.wait(seconds)
        self._reader.join(5)
        return code

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.append(line)


@contextmanager
def running_bugsly(
    *arguments: str, cwd: Path | None = None, **env: str
) -> Iterator[RunningCommand]:
    """Run a command for the block; nothing of it is left behind."""
    process = subprocess.Popen(
        [*BUGSLY_COMMAND, *arguments],
        env=clean_environ(PYTHONUNBUFFERED="1", **env),
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    command = RunningCommand(process)
    try:
        yield command
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdout is not None:
            command._reader.join(5)
            process.stdout.close()


def pids_in(folder: Path) -> set[int]:
    """Return the processes whose working directory is *folder*."""
    found = set()
    for link in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if link.resolve() == folder:
                found.add(int(link.parent.name))
        except OSError:
            continue
    return found
