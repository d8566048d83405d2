"""Memory and time that run out for a worker, tied to what its series shows."""

from __future__ import annotations

import re

from bugsly_server.explain.errors.raised_exception import RaisedException, quoted
from bugsly_server.explain.errors.rule import LOG_MESSAGE_TYPE, ErrorRule, RuleMatch
from bugsly_server.model.units import size

NEAR_LIMIT_SHARE = 0.85
"""Of the limit: from here on memory is what one thinks of first."""


def describe_memory(raised: RaisedException, _matched: re.Match[str]) -> RuleMatch | None:
    """Say how full the worker was, and which leak fills it."""
    context = raised.context
    memory, limit = raised.event.memory or context.memory, context.limit
    memory_sentence = f" The worker used {size(memory)} then" if memory else ""
    if memory and limit:
        memory_sentence += f", of {size(limit)} that it may"
    is_full = _is_full(raised)
    kills = f" {context.kills} were killed in the last hour." if context.kills > 1 else ""
    phrases = {
        "used": f"{memory_sentence}." if memory_sentence else "",
        "leak": _leak_sentence(raised),
        "hint": "",
        "kills": kills,
    }
    if not is_full and memory and limit:
        phrases["hint"] = " One huge allocation at once is more likely than a slow leak."
    confidence = 0.96 if is_full or phrases["leak"] else None
    return RuleMatch(phrases=phrases, confidence=confidence)


def _is_full(raised: RaisedException) -> bool:
    context = raised.context
    return 0 < NEAR_LIMIT_SHARE * context.limit <= (raised.event.memory or context.memory)


def _leak_sentence(raised: RaisedException) -> str:
    for leak in raised.context.leaks:
        location = quoted(leak.holder or leak.site)
        return f" Issue {leak.issue} is open: a leak{f' in `{location}`' if location else ''}, which may be what fills it."
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
        "memory": f"{memory_match.phrases['used']} So near the limit a machine swaps and everything is slow:"
        f" look at memory first.{memory_match.phrases['leak']}"
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
        what="{line} asked for memory that was not to be had.{used}",
        why="The limit of the process or container is met.{leak}{hint}",
        fix="Look at what {at} builds: read and answer in pieces instead of whole, bound the size of"
        " uploads and pages; then at the worker's memory on its page.",
        unless="the worker's memory was far from the limit: then one request asked for too much.",
        confidence=0.88,
        examine=describe_memory,
    ),
    ErrorRule(
        slug="worker-timeout",
        exception_types=("SystemExit",),
        title="Gunicorn aborted the worker: {function} took longer than its timeout",
        what="{line} is where the worker was when Gunicorn's timeout was over.",
        why="A sync worker that handles one request for too long (30 s unless set) is aborted: a slow"
        " query, a call without a timeout, a lock, or a huge loop.{memory}{others}",
        fix="Bound what {at} waits for (a timeout below Gunicorn's), move long work to a job, or use"
        " `gthread` workers. A longer `--timeout` only hides it.",
        unless="the worker was just starved: then other workers were aborted in the same minute.",
        examine=describe_timeout,
    ),
    ErrorRule(
        slug="worker-timeout-in-the-log",
        exception_types=(LOG_MESSAGE_TYPE,),
        pattern=r"WORKER TIMEOUT \(pid:(?P<pid>\d+)\)",
        title="Gunicorn aborted the worker {pid}: a request took longer than its timeout",
        what="Gunicorn found the worker {pid} silent for longer than `--timeout`, and aborted it.",
        why="A request waits or computes for too long: a slow query, a call without a timeout, a"
        " lock.{memory}{others}",
        fix="Look at the error `SystemExit` of the same moment: its stack shows the line. Bound the time"
        " of what it waits for.",
        unless="the machine was starved of processor time.",
        examine=describe_timeout,
    ),
    ErrorRule(
        slug="worker-killed",
        exception_types=(LOG_MESSAGE_TYPE,),
        pattern=r"Worker \(pid:(?P<pid>\d+)\) was sent SIGKILL",
        title="The worker {pid} was killed, most likely for want of memory",
        what="The worker {pid} ended by SIGKILL, which nothing in it can catch.{used}",
        why="The kernel kills the largest process of a container that meets its limit.{leak}{kills}",
        fix="See the worker's memory on its page, and mend the leak if one is open; otherwise fewer"
        " workers, or a higher limit.",
        unless="somebody or the orchestrator killed it by hand; the kernel's log names its own.",
        confidence=0.85,
        examine=describe_memory,
    ),
)
