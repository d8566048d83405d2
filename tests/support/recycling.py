"""A Gunicorn of workers that swell, under the safety net."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.command import BIN, Program, program
from tests.support.fake_server import FakeServer
from tests.support.gunicorn import WORKERS, alone, living, watched
from tests.support.wait import wait_until

from bugsly.protocol.evidence import Retainer
from bugsly.protocol.memory import Exit, ExitReason, MemoryReport
from bugsly.protocol.net import Hindrance, Net, NetState
from bugsly.recycle.board import Post, Standing, open_board

NET = {
    "BUGSLY_RECYCLE_AT": "100 MB",
    "BUGSLY_RECYCLE_AGE": "1",
    "BUGSLY_RECYCLES_PER_HOUR": "100000",
}
KEEPING = ("-k", "gthread", "--threads", "4")
SAYING = ("sh", "-c", 'echo Listening at: http://127.0.0.1:0; exec "$@"', "sh")
"""Says for Gunicorn what it does not where each worker has a socket of its own."""


class Shop:
    """The Gunicorn, what its workers told, and what they tell one another."""

    def __init__(self, running: Program, server: FakeServer, boot: Path) -> None:
        self.running = running
        self.port = running.port
        self.boot = boot
        """While this file is there, no worker can boot."""
        self._server = server
        board = open_board(Post(str(running.pid), 0, WORKERS))
        assert board is not None
        self._board = board

    def spoil(self, how: str) -> None:
        """Let no worker boot from now on: it "hangs", "is killed" or "raises"."""
        fresh = self.boot.with_suffix(".new")
        fresh.write_text(how)
        fresh.replace(self.boot)

    @property
    def standing(self) -> Standing:
        return self._board.standing()

    def ready(self) -> int:
        return self.standing.ready

    @property
    def recycled(self) -> list[Exit]:
        """Return the ends of the workers that said they were recycled."""
        exits = [one for report in self._server.reports for one in report.exits]
        return [one for one in exits if one.reason is ExitReason.RECYCLED]

    def leaving(self) -> list[MemoryReport]:
        """Return what workers told while they were leaving."""
        nets = [(report, report.net) for report in self._server.reports]
        return [report for report, net in nets if net and net.state is NetState.LEAVING]

    @property
    def kept_most(self) -> list[Retainer]:
        """Return what kept most of each worker that told its heap before it left."""
        said = [one.evidence.parting for one in self.leaving() if one.evidence]
        heaps = [one.heap for one in said if one is not None and one.heap is not None]
        return [one.retainers[0] for one in heaps]

    def await_leaving(self) -> int:
        """Return the pid of a worker that is leaving, once there is one."""
        wait_until(self._leaving_now, 60, "one is leaving")
        return self._leaving_now()[0]

    def _leaving_now(self) -> list[int]:
        told = [report.worker.pid for report in self.leaving()]
        return [pid for pid in self.running.children if pid in told]

    def hindrances(self) -> set[Hindrance]:
        return {net.hindrance for net in self._nets() if net.hindrance}

    def says(self, because: str) -> bool:
        """Return whether a worker of it told *because*, or more."""
        return any(because in net.because for net in self._nets())

    def _nets(self) -> list[Net]:
        ours = [one for one in self._server.reports if one.worker.parent == self.running.pid]
        return [report.net for report in ours if report.net]

    def await_recycled(self, count: int) -> None:
        wait_until(lambda: len(self.recycled) >= count, 60, f"{count} workers are recycled")

    def await_ready(self) -> None:
        wait_until(lambda: self.ready() == WORKERS, 30, "all workers are ready")


@contextmanager
def swelling(
    server: FakeServer,
    folder: Path,
    *options: str,
    app: str = "swelling:app",
    troubled: bool = False,
    within: Sequence[str] = (),
    bin_folder: Path = BIN,
    **environ: str,
) -> Iterator[Shop]:
    """Run it until the end of the block, from the moment all workers are ready and reported.

    *within* goes before the command; Gunicorn is that of *bin_folder*.
    """
    boot = folder / "no-boot"
    if "--reuse-port" in options:
        within = SAYING
    served = alone("-w", str(WORKERS), *options, app=app, bin_folder=bin_folder)
    line = [*within, str(BIN / "bugsly"), "run", "--", *served]
    told = watched(server, **{**NET, "BOOT": str(boot), **environ})
    with program(line, folder, told, troubled=troubled) as running:
        shop = Shop(running, server, boot)
        wait_until(lambda: len(living(server, running)) == WORKERS, 30, "all workers report")
        yield shop
