"""Counts threads by what they run, to find the line that starts one for each request."""

from __future__ import annotations

import re
import threading
from collections import Counter
from functools import partial
from typing import NamedTuple

from bugsly.app_code import Callee, is_app_file, resolve_callee
from bugsly.probes.rising_counts import DescribedCount
from bugsly.protocol.evidence import Holder

DIGITS = re.compile(r"\d+")
MAX_THREAD_NAME_LENGTH = 80


class ThreadGroup(NamedTuple):
    """Threads that run the same function; in libraries, also with the same name but for digits."""

    callee: Callee
    name: str

    @property
    def label(self) -> str:
        """Return the name of the group as a holder."""
        named = f" named {self.name}" if self.name else ""
        return f"threads{named} running {self.callee.name}"


def count_threads() -> dict[str, DescribedCount]:
    """Return how many threads are alive that Python started, by what they run."""
    groups = Counter(_group(thread) for thread in threading.enumerate())
    return {
        group.label: DescribedCount(count, partial(_describe, group.callee))
        for group, count in groups.items()
        if group is not None
    }


def _group(thread: threading.Thread) -> ThreadGroup | None:
    """Return what *thread* runs, without running any code of its class.

    Returns None for the main thread and for threads that `threading` did not start.
    """
    fields = object.__getattribute__(thread, "__dict__")
    runs = fields.get("_target")
    if runs is None:
        runs = next(vars(kind)["run"] for kind in type(thread).__mro__ if "run" in vars(kind))
        if runs is threading.Thread.run:
            return None
        if runs is threading.Timer.run:
            runs = fields.get("function", runs)
    callee = resolve_callee(runs)
    name = fields.get("_name")
    if is_app_file(callee.file) or type(name) is not str:
        return ThreadGroup(callee, "")
    return ThreadGroup(callee, DIGITS.sub("#", name)[:MAX_THREAD_NAME_LENGTH])


def _describe(callee: Callee, name: str) -> Holder:
    return Holder(name=name, kind="thread", entry="thread", site=callee.app_site, file=callee.file)
