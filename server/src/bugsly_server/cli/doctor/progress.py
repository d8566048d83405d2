"""Shows the progress of a run: live in a terminal, as a line every few seconds elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from bugsly_server.cli.terminal.console import STDERR
from bugsly_server.cli.terminal.tables import workers_table
from bugsly_server.doctor.load_generator import RequestTally
from bugsly_server.doctor.run_observation import RunObservation
from bugsly_server.model.units import size

NOTE_SECONDS = 10.0


class RunProgress:
    """Prints how many requests were answered, and the memory of the workers, to standard error."""

    def __init__(self) -> None:
        self._live = Live(console=STDERR, auto_refresh=False, transient=True)
        self._noted_at = time.monotonic()

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def show(self, tally: RequestTally, observation: RunObservation) -> None:
        """Show the current state."""
        if STDERR.is_terminal:
            self._live.update(
                Group(_progress_table(tally), workers_table(observation.worker_facts)), refresh=True
            )
        elif time.monotonic() - self._noted_at >= NOTE_SECONDS:
            self._noted_at = time.monotonic()
            memory = ", ".join(
                f"{one['pid']} {size(one['memory'])}" for one in observation.worker_facts
            )
            STDERR.print(f"{tally.answered:,} of {tally.limit:,} requests; workers: {memory}")


def _progress_table(tally: RequestTally) -> Table:
    row = Table.grid(padding=(0, 1))
    bar = ProgressBar(total=tally.limit, completed=tally.answered, width=40)
    row.add_row(bar, Text(f"{tally.answered:,} of {tally.limit:,} requests"))
    return row
