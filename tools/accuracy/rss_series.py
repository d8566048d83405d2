"""The resident memory of the workers of a run, as any monitor sees it."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

RssSeries = dict[str, list[tuple[float, int]]]
"""By pid: seconds since the start, and bytes."""
SAMPLE_INTERVAL_SECONDS = 0.5
WORKER_DEPTH = 2
"""Below doctor is the master of Gunicorn, and below that are its workers."""


class RssWatcher:
    """Reads the memory of the grandchildren of a process, from a thread of its own."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample_until_stopped, daemon=True)
        self._started_at = time.monotonic()
        self.series: RssSeries = {}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _sample_until_stopped(self) -> None:
        while not self._stop.wait(SAMPLE_INTERVAL_SECONDS):
            at = round(time.monotonic() - self._started_at, 1)
            for pid in _descendants(self._root, WORKER_DEPTH):
                bytes_ = _rss(pid)
                if bytes_:
                    self.series.setdefault(str(pid), []).append((at, bytes_))


def _descendants(pid: int, depth: int) -> list[int]:
    if depth == 0:
        return [pid]
    return [two for one in _children(pid) for two in _descendants(one, depth - 1)]


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += map(int, file.read_text().split())
        except OSError:
            continue
    return found


def _rss(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096
    except (OSError, IndexError):
        return 0
