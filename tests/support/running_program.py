"""A program under test: started, watched through its log, and always ended."""

import http.client
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.wait import wait_until

APPS = Path(__file__).parents[1] / "apps"
BIN = Path(sys.executable).parent
LISTENING = re.compile(r"(?:Listening at:|Running on|Serving on) http://127\.0\.0\.1:(\d+)")
UNWANTED_LOG_WORDS = ("Traceback", "was swallowed", "Exception in thread", "LoopExit")


class Program:
    """A process that serves HTTP on a free port, which it writes into its log."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self.process = process
        self._log = log

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    @property
    def port(self) -> int:
        return int(LISTENING.findall(self.log)[-1])

    @property
    def children(self) -> list[int]:
        """Return the pids of the child processes that live, oldest first."""
        try:
            listed = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        except OSError:
            return []
        return sorted(int(pid) for pid in listed.split() if not _is_zombie(int(pid)))

    def connect(self, timeout: float = 20) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def get(self, path: str = "/", method: str = "GET") -> str:
        """Return the body of the answer, whatever its status."""
        connection = self.connect()
        try:
            connection.request(method, path)
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def answers(self) -> bool:
        """Return whether a request is answered now."""
        try:
            return bool(self.get("/"))
        except (OSError, http.client.HTTPException):
            return False

    def try_get(self, path: str) -> None:
        """Send a request that nobody may live to answer."""
        with suppress(OSError, http.client.HTTPException):
            self.get(path)

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self, seconds: float = 20) -> int:
        """Return the exit code, once the program has ended."""
        return self.process.wait(seconds)


@contextmanager
def running_program(
    command: Sequence[str],
    folder: Path,
    environ: Mapping[str, str],
    *,
    troubled: bool = False,
) -> Iterator[Program]:
    """Run *command*, which serves the applications of tests/apps, until the end of the block.

    Its log may hold no traceback, and it may not end by itself, unless it is *troubled*.
    """
    log = folder / "log"
    inherited = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONUNBUFFERED": "1"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=APPS,
            env={**inherited, **environ},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    running = Program(process, log)
    try:
        wait_until(
            lambda: LISTENING.search(running.log) or process.poll() is not None, 30, "it listens"
        )
        assert troubled or process.poll() is None, running.log
        yield running
    finally:
        _end_program(running)
    assert troubled or not any(word in running.log for word in UNWANTED_LOG_WORDS), running.log


def _end_program(running: Program) -> None:
    try:
        if not running.ended:
            running.signal(signal.SIGTERM)
        running.wait()
    except subprocess.TimeoutExpired:
        raise AssertionError(f"it did not end on SIGTERM:\n{running.log}") from None
    finally:
        with suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
        running.wait()


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] == b"Z"
    except OSError:
        return True
