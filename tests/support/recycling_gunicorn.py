"""A Gunicorn of workers that swell, under the safety net."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.fake_server import FakeServer
from tests.support.gunicorn import WORKERS, agent_environ, living_pids, plain_command
from tests.support.running_program import BIN, Program, running_program
from tests.support.wait import wait_until

from bugsly.protocol.evidence import HeapHolder
from bugsly.protocol.memory import Exit, ExitReason, MemoryReport
from bugsly.protocol.safety_net import Hindrance, RecyclerReport, RecyclerState
from bugsly.recycle.host_coordinator import WorkerCounts, WorkerSlot, open_host_coordinator

RECYCLING_ENVIRON = {
    "BUGSLY_RECYCLE_AT": "100 MB",
    "BUGSLY_RECYCLE_AGE": "1",
    "BUGSLY_RECYCLES_PER_HOUR": "100000",
}
GTHREAD_OPTIONS = ("-k", "gthread", "--threads", "4")
ANNOUNCE_PORT = ("sh", "-c", 'echo Listening at: http://127.0.0.1:0; exec "$@"', "sh")
"""Says for Gunicorn what it does not where each worker has a socket of its own."""


class RecyclingGunicorn:
    """The Gunicorn, what its workers told, and what they tell one another."""

    def __init__(self, running: Program, server: FakeServer, boot: Path) -> None:
        self.running = running
        self.port = running.port
        self.boot = boot
        """While this file is there, no worker can boot."""
        self._server = server
        coordinator = open_host_coordinator(WorkerSlot(str(running.pid), 0, WORKERS))
        assert coordinator is not None
        self._coordinator = coordinator

    def break_boot(self, how: str) -> None:
        """Let no worker boot from now on: it "hangs", "is killed" or "raises"."""
        fresh = self.boot.with_suffix(".new")
        fresh.write_text(how)
        fresh.replace(self.boot)

    @property
    def standing(self) -> WorkerCounts:
        return self._coordinator.worker_counts()

    def ready_workers(self) -> int:
        return self.standing.ready

    @property
    def recycled_exits(self) -> list[Exit]:
        """Return the ends of the workers that said they were recycled."""
        exits = [one for report in self._server.reports for one in report.exits]
        return [one for one in exits if one.reason is ExitReason.RECYCLED]

    def leaving_reports(self) -> list[MemoryReport]:
        """Return what workers told while they were leaving."""
        nets = [(report, report.net) for report in self._server.reports]
        return [report for report, net in nets if net and net.state is RecyclerState.LEAVING]

    @property
    def largest_holders(self) -> list[HeapHolder]:
        """Return what kept most of each worker that told its heap before it left."""
        final_snapshots = [one.evidence.parting for one in self.leaving_reports() if one.evidence]
        heaps = [one.heap for one in final_snapshots if one is not None and one.heap is not None]
        return [one.retainers[0] for one in heaps]

    def await_leaving(self) -> int:
        """Return the pid of a worker that is leaving, once there is one."""
        wait_until(self._leaving_pids, 60, "one is leaving")
        return self._leaving_pids()[0]

    def _leaving_pids(self) -> list[int]:
        told = [report.worker.pid for report in self.leaving_reports()]
        return [pid for pid in self.running.children if pid in told]

    def hindrances(self) -> set[Hindrance]:
        return {net.hindrance for net in self._safety_nets() if net.hindrance}

    def is_reason_reported(self, reason: str) -> bool:
        """Return whether a worker of it told *reason*, or more."""
        return any(reason in net.because for net in self._safety_nets())

    def _safety_nets(self) -> list[RecyclerReport]:
        ours = [one for one in self._server.reports if one.worker.parent == self.running.pid]
        return [report.net for report in ours if report.net]

    def await_recycled(self, count: int) -> None:
        wait_until(lambda: len(self.recycled_exits) >= count, 60, f"{count} workers are recycled")

    def await_ready(self) -> None:
        wait_until(lambda: self.ready_workers() == WORKERS, 30, "all workers are ready")


@contextmanager
def recycling_gunicorn(
    server: FakeServer,
    folder: Path,
    *options: str,
    app: str = "swelling:app",
    troubled: bool = False,
    within: Sequence[str] = (),
    bin_folder: Path = BIN,
    **environ: str,
) -> Iterator[RecyclingGunicorn]:
    """Run it until the end of the block, from the moment all workers are ready and reported.

    *within* goes before the command; Gunicorn is that of *bin_folder*.
    """
    folder.mkdir(exist_ok=True)
    boot = folder / "no-boot"
    if "--reuse-port" in options:
        within = ANNOUNCE_PORT
    gunicorn_command = plain_command("-w", str(WORKERS), *options, app=app, bin_folder=bin_folder)
    command_line = [*within, str(BIN / "bugsly"), "run", "--", *gunicorn_command]
    program_environ = agent_environ(server, **{**RECYCLING_ENVIRON, "BOOT": str(boot), **environ})
    with running_program(command_line, folder, program_environ, troubled=troubled) as running:
        shop = RecyclingGunicorn(running, server, boot)
        wait_until(lambda: len(living_pids(server, running)) == WORKERS, 30, "all workers report")
        yield shop
