"""A Gunicorn of workers that swell, under the safety net."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.command import Program, program
from tests.support.fake_server import FakeServer
from tests.support.gunicorn import WORKERS, Way, command, living, watched
from tests.support.wait import wait_until

from bugsly.protocol.evidence import Retainer
from bugsly.protocol.memory import Exit, ExitReason, MemoryReport
from bugsly.protocol.net import Hindrance, NetState
from bugsly.recycle.board import Post, Standing, open_board

NET = {
    "BUGSLY_RECYCLE_AT": "100 MB",
    "BUGSLY_RECYCLE_AGE": "1",
    "BUGSLY_RECYCLES_PER_HOUR": "100000",
}


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

    def hindrances(self) -> set[Hindrance]:
        nets = [report.net for report in self._server.reports]
        return {net.hindrance for net in nets if net and net.hindrance}

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
    **environ: str,
) -> Iterator[Shop]:
    """Run it until the end of the block, from the moment all workers are ready and reported."""
    boot = folder / "no-boot"
    line = command(Way.RUN, ("-w", str(WORKERS), *options), app)
    told = watched(server, **{**NET, "BOOT": str(boot), **environ})
    with program(line, folder, told, troubled=troubled) as running:
        shop = Shop(running, server, boot)
        wait_until(lambda: len(living(server, running)) == WORKERS, 30, "all workers report")
        yield shop
