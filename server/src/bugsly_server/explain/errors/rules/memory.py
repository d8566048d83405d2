"""Explains workers that run out of memory or time, with what their memory shows."""

from __future__ import annotations

import re

from bugsly_server.explain.errors.raised_exception import RaisedException, quoted
from bugsly_server.explain.errors.rule import LOG_MESSAGE_TYPE, ErrorRule, RuleMatch
from bugsly_server.model.units import size

NEAR_LIMIT_SHARE = 0.85
"""Of the limit: above this part, memory is the likely cause."""


def describe_memory(raised: RaisedException, _matched: re.Match[str]) -> RuleMatch | None:
    """Say how full the worker was, and which leak fills it."""
    context = raised.context
    memory, limit = raised.event.memory or context.memory, context.limit
    memory_sentence = f" The worker used {size(memory)} then" if memory else ""
    if memory and limit:
        memory_sentence += f", of a limit of {size(limit)}"
    is_full = _is_full(raised)
    kills = f" {context.kills} workers were killed in the last hour." if context.kills > 1 else ""
    phrases = {
        "used": f"{memory_sentence}." if memory_sentence else "",
        "leak": _leak_sentence(raised),
        "hint": "",
        "kills": kills,
    }
    if not is_full and memory and limit:
        phrases["hint"] = " One huge allocation is more likely than a slow leak."
    confidence = 0.96 if is_full or phrases["leak"] else None
    return RuleMatch(phrases=phrases, confidence=confidence)


def _is_full(raised: RaisedException) -> bool:
    context = raised.context
    return 0 < NEAR_LIMIT_SHARE * context.limit <= (raised.event.memory or context.memory)


def _leak_sentence(raised: RaisedException) -> str:
    for leak in raised.context.leaks:
        location = quoted(leak.holder or leak.site)
        return f" Issue {leak.issue} is open: a leak{f' in `{location}`' if location else ''}, which may be what fills the memory."
    return ""


def describe_timeout(raised: RaisedException, matched: re.Match[str]) -> RuleMatch | None:
    """Say where the worker was stuck, and whether it happens to others."""
    if raised.exception.type == "SystemExit" and not _is_aborted(raised):
        return None
    aborted_workers = raised.context.timeouts
    memory_match = describe_memory(raised, matched) or RuleMatch()
    is_full = _is_full(raised)
    phrases = dict(memory_match.phrases) | {
        "others": f" {aborted_workers} workers were aborted in the last hour."
        if aborted_workers > 1
        else "",
        "memory": f"{memory_match.phrases['used']} This close to the limit the machine may swap, which makes"
        f" everything slow: look at memory first.{memory_match.phrases['leak']}"
        if is_full
        else "",
    }
    return RuleMatch(phrases=phrases, confidence=0.95 if raised.exception.frames else 0.85)


def _is_aborted(raised: RaisedException) -> bool:
    return any(one.function == "handle_abort" for one in raised.exception.frames[-3:])


RULES = (
    ErrorRule(
        slug="memory-exhausted",
        exception_types=("MemoryError",),
        title="Memory ran out in {function}",
        what="{line} needed more memory than was available.{used}",
        why="The memory limit of the process or container is reached.{leak}{hint}",
        fix="Look at what {at} builds: read and send data in pieces, and limit the size of"
        " uploads and pages. Then look at the worker's memory on its page.",
        unless="the worker's memory was far below the limit: then one request needed too much.",
        confidence=0.88,
        examine=describe_memory,
    ),
    ErrorRule(
        slug="worker-timeout",
        exception_types=("SystemExit",),
        title="Gunicorn aborted the worker: {function} took longer than its timeout",
        what="The worker was at {line} when Gunicorn's timeout expired.",
        why="Gunicorn aborts a sync worker that handles one request for too long (30 s by default): a slow"
        " query, a call without a timeout, a lock, or a huge loop.{memory}{others}",
        fix="Limit how long {at} waits (a timeout below Gunicorn's), move long work to a background job,"
        " or use `gthread` workers. A longer `--timeout` only hides the problem.",
        unless="the machine was starved of CPU time: then other workers were aborted in the same minute.",
        examine=describe_timeout,
    ),
    ErrorRule(
        slug="worker-timeout-in-the-log",
        exception_types=(LOG_MESSAGE_TYPE,),
        pattern=r"WORKER TIMEOUT \(pid:(?P<pid>\d+)\)",
        title="Gunicorn aborted worker {pid}: a request took longer than its timeout",
        what="Worker {pid} did not respond to Gunicorn for longer than `--timeout`, so Gunicorn aborted it.",
        why="A request waits or computes for too long: a slow query, a call without a timeout, or a"
        " lock.{memory}{others}",
        fix="Look at the `SystemExit` error of the same moment: its stack shows the line. Limit how long"
        " that line may wait.",
        unless="the machine was starved of CPU time.",
        examine=describe_timeout,
    ),
    ErrorRule(
        slug="worker-killed",
        exception_types=(LOG_MESSAGE_TYPE,),
        pattern=r"Worker \(pid:(?P<pid>\d+)\) was sent SIGKILL",
        title="Worker {pid} was killed, most likely because memory ran out",
        what="Worker {pid} was ended by SIGKILL, which a process cannot catch.{used}",
        why="When a container reaches its memory limit, the kernel kills its largest process.{leak}{kills}",
        fix="Look at the worker's memory on its page, and fix the leak if one is open; otherwise use fewer"
        " workers or a higher limit.",
        unless="a person or the orchestrator killed it: the kernel's log lists the processes that the kernel killed.",
        confidence=0.85,
        examine=describe_memory,
    ),
)
