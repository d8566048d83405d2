"""Traces allocations with memray: those of Python, and of C code called by it."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bugsly.probes.allocation_lines import AllocationLines

MAX_BYTES = 50_000_000
"""Of its file."""
MAX_FRAMES = 60
"""Frames of a stack that are read, from the innermost."""


class MemrayTracer:
    """Starts and stops memray, and removes its file afterwards."""

    name = "memray"

    def __init__(self) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._tracker: Any = None

    def start(self) -> str:
        """Start; return why that is not possible, '' where it is."""
        import memray

        try:
            self._folder = tempfile.TemporaryDirectory(prefix="bugsly-")
            self._tracker = memray.Tracker(self._file, trace_python_allocators=True)
            self._tracker.__enter__()
        except (OSError, RuntimeError) as error:
            if self._folder is not None:
                self._folder.cleanup()
            return f"the window was refused: memray says {error}"
        return ""

    def is_full(self) -> bool:
        """Return whether its file has reached MAX_BYTES."""
        with suppress(OSError):
            return self._file.stat().st_size > MAX_BYTES
        return False

    def overhead(self) -> int:
        """Return 0: its buffers are small, and their size is not known."""
        return 0

    def stop(self, lines: AllocationLines) -> None:
        """Stop, and add what is still allocated to *lines*."""
        import memray

        assert self._folder is not None
        with self._folder:
            self._tracker.__exit__(None, None, None)
            with memray.FileReader(self._file) as reader:
                for record in reader.get_leaked_allocation_records(merge_threads=True):
                    stack = [(file, line) for _, file, line in record.stack_trace(MAX_FRAMES)]
                    lines.add(stack, record.size, record.n_allocations)

    @property
    def _file(self) -> Path:
        assert self._folder is not None
        return Path(self._folder.name) / "allocations"
