"""Memory and time that run out for a worker, tied to what its series shows."""

from __future__ import annotations

import re

from bugsly_server.explain.errors.rule import MESSAGE, Reading, Rule
from bugsly_server.explain.errors.scene import Scene, quoted
from bugsly_server.model.units import size

NEAR = 0.85
"""Of the limit: from here on memory is what one thinks of first."""


def used(scene: Scene, _found: re.Match[str]) -> Reading | None:
    """Say how full the worker was, and which leak fills it."""
    context = scene.surroundings
    memory, limit = scene.event.memory or context.memory, context.limit
    told = f" The worker used {size(memory)} then" if memory else ""
    if memory and limit:
        told += f", of {size(limit)} that it may"
    full = _is_full(scene)
    kills = f" {context.kills} were killed in the last hour." if context.kills > 1 else ""
    phrases = {"used": f"{told}." if told else "", "leak": _leak(scene), "hint": "", "kills": kills}
    if not full and memory and limit:
        phrases["hint"] = " One huge allocation at once is more likely than a slow leak."
    sure = 0.96 if full or phrases["leak"] else None
    return Reading(phrases=phrases, confidence=sure)


def _is_full(scene: Scene) -> bool:
    context = scene.surroundings
    return 0 < NEAR * context.limit <= (scene.event.memory or context.memory)


def _leak(scene: Scene) -> str:
    for leak in scene.surroundings.leaks:
        at = quoted(leak.holder or leak.site)
        return f" Issue {leak.issue} is open: a leak{f' in `{at}`' if at else ''}, which may be what fills it."
    return ""


def stuck(scene: Scene, found: re.Match[str]) -> Reading | None:
    """Say where the worker was stuck, and whether it happens to others."""
    if scene.thrown.type == "SystemExit" and not _aborted(scene):
        return None
    others = scene.surroundings.timeouts
    read = used(scene, found) or Reading()
    full = _is_full(scene)
    phrases = dict(read.phrases) | {
        "others": f" {others} workers were aborted in the last hour." if others > 1 else "",
        "memory": f"{read.phrases['used']} So near the limit a machine swaps and everything is slow:"
        f" look at memory first.{read.phrases['leak']}"
        if full
        else "",
    }
    return Reading(phrases=phrases, confidence=0.95 if scene.thrown.frames else 0.85)


def _aborted(scene: Scene) -> bool:
    return any(one.function == "handle_abort" for one in scene.thrown.frames[-3:])


RULES = (
    Rule(
        slug="memory-exhausted",
        types=("MemoryError",),
        title="Memory ran out in {function}",
        what="{line} asked for memory that was not to be had.{used}",
        why="The limit of the process or container is met.{leak}{hint}",
        fix="Look at what {at} builds: read and answer in pieces instead of whole, bound the size of"
        " uploads and pages; then at the worker's memory on its page.",
        unless="the worker's memory was far from the limit: then one request asked for too much.",
        confidence=0.88,
        read=used,
    ),
    Rule(
        slug="worker-timeout",
        types=("SystemExit",),
        title="Gunicorn aborted the worker: {function} took longer than its timeout",
        what="{line} is where the worker was when Gunicorn's timeout was over.",
        why="A sync worker that handles one request for too long (30 s unless set) is aborted: a slow"
        " query, a call without a timeout, a lock, or a huge loop.{memory}{others}",
        fix="Bound what {at} waits for (a timeout below Gunicorn's), move long work to a job, or use"
        " `gthread` workers. A longer `--timeout` only hides it.",
        unless="the worker was just starved: then other workers were aborted in the same minute.",
        read=stuck,
    ),
    Rule(
        slug="worker-timeout-in-the-log",
        types=(MESSAGE,),
        pattern=r"WORKER TIMEOUT \(pid:(?P<pid>\d+)\)",
        title="Gunicorn aborted the worker {pid}: a request took longer than its timeout",
        what="Gunicorn found the worker {pid} silent for longer than `--timeout`, and aborted it.",
        why="A request waits or computes for too long: a slow query, a call without a timeout, a"
        " lock.{memory}{others}",
        fix="Look at the error `SystemExit` of the same moment: its stack shows the line. Bound the time"
        " of what it waits for.",
        unless="the machine was starved of processor time.",
        read=stuck,
    ),
    Rule(
        slug="worker-killed",
        types=(MESSAGE,),
        pattern=r"Worker \(pid:(?P<pid>\d+)\) was sent SIGKILL",
        title="The worker {pid} was killed, most likely for want of memory",
        what="The worker {pid} ended by SIGKILL, which nothing in it can catch.{used}",
        why="The kernel kills the largest process of a container that meets its limit.{leak}{kills}",
        fix="See the worker's memory on its page, and mend the leak if one is open; otherwise fewer"
        " workers, or a higher limit.",
        unless="somebody or the orchestrator killed it by hand; the kernel's log names its own.",
        confidence=0.85,
        read=used,
    ),
)
