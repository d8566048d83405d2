"""Has the application's code make texts, such as `str()` of its exceptions, for a limited time.

Such code may take long, or never return. It runs on a thread of its own, in the context of the
request, which waits for it at most `MAX_WAIT_SECONDS`.
"""

from __future__ import annotations

import threading
from contextvars import copy_context
from typing import TYPE_CHECKING, NamedTuple

from bugsly.guard import call_or_default

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MAX_WAIT_SECONDS = 0.05
"""Seconds that all texts of one event may take."""
MAX_READINGS = 16
"""Threads that make texts at any moment, with those that do not return."""
TEXT_FAILED = "<str() of it failed>"
TOO_SLOW = "<its text took longer than 50 ms>"
STILL_RUNNING = "<its text was not asked for: an earlier one took longer than 50 ms and still runs>"
NOT_STARTED = "<its text was not asked for: no thread is left to make it>"
NO_TEXTS = (TEXT_FAILED, TOO_SLOW, STILL_RUNNING, NOT_STARTED)
"""What stands for a text that was not made."""


class TextSource(NamedTuple):
    """What makes a text."""

    kind: str
    """The class whose code it runs."""
    make: Callable[[], str]
    is_quick: bool
    """Whether only Python's own code runs, which needs no thread."""


class TextReading:
    """One thread that makes the texts of *sources*, one after another."""

    def __init__(self, sources: Sequence[TextSource]) -> None:
        self.texts: list[str] = []
        self.is_late = False
        self._sources = sources
        self._ended = threading.Event()

    @property
    def kind(self) -> str:
        """Return the class whose code runs now."""
        return self._sources[min(len(self.texts), len(self._sources) - 1)].kind

    def run(self) -> None:
        """Make the texts, until nobody waits for them any more."""
        try:
            for source in self._sources:
                if not self.is_late:
                    self.texts.append(_make_text(source))
        finally:
            self._ended.set()

    def wait(self) -> list[str]:
        """Return what was made in time."""
        self.is_late = not self._ended.wait(MAX_WAIT_SECONDS)
        return list(self.texts)


class TimedTexts:
    """Makes texts on threads; one that never returns is not waited for again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._readings: list[TextReading] = []

    def read(self, sources: Sequence[TextSource]) -> list[str]:
        """Return the text of each of *sources*, or why there is none."""
        slow = [source for source in sources if not source.is_quick]
        slow_texts = iter(self._read_slow(slow) if slow else ())
        return [_make_text(source) if source.is_quick else next(slow_texts) for source in sources]

    def _read_slow(self, sources: Sequence[TextSource]) -> list[str]:
        with self._lock:
            late_kinds = {reading.kind for reading in self._readings if reading.is_late}
        asked = [source for source in sources if source.kind not in late_kinds]
        made = iter(self._read_on_thread(asked) if asked else ())
        return [
            STILL_RUNNING if source.kind in late_kinds else next(made, TOO_SLOW)
            for source in sources
        ]

    def _read_on_thread(self, sources: Sequence[TextSource]) -> list[str]:
        reading = TextReading(sources)
        return reading.wait() if self._start(reading) else [NOT_STARTED] * len(sources)

    def _start(self, reading: TextReading) -> bool:
        """Start *reading* on a thread; return False where there are too many."""
        with self._lock:
            if len(self._readings) >= MAX_READINGS:
                return False
            self._readings.append(reading)
        thread = threading.Thread(
            target=copy_context().run, args=(self._run, reading), name="bugsly-text", daemon=True
        )
        try:
            thread.start()
        except RuntimeError:
            self._forget(reading)
            return False
        return True

    def _run(self, reading: TextReading) -> None:
        try:
            reading.run()
        finally:
            self._forget(reading)

    def _forget(self, reading: TextReading) -> None:
        with self._lock:
            self._readings.remove(reading)


def _make_text(source: TextSource) -> str:
    return call_or_default(source.make, TEXT_FAILED)
