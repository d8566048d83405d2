"""Keeps of a report's evidence what is good of it, and counts what it leaves out."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from bugsly.protocol.evidence import (
    Answer,
    Evidence,
    Holder,
    Level,
    Line,
    Source,
    Trim,
    Window,
)
from bugsly_server.digest.heaps import sound_heap

LONGEST_NAME = 300
LONGEST_FILE = 500
LONGEST_TEXT = 512 * 1024
"""Characters of one source."""
LARGEST = 1 << 50
LONGEST_WINDOW = 3600.0
MOST_HOLDERS = 100
"""Of one report."""
MOST_LEVELS = 40
"""Of one sample."""
MOST_COUNTS = 40
"""Details of a holder; facts of a worker."""
MOST_ANSWERS = 20
MOST_SOURCES = 50
MOST_VIEWS = 20
MOST_LINES = 100
BAD_ANSWER = "answer that is not of its form"

_Kind = TypeVar("_Kind")
Skipped = Counter[str]


def sound_evidence(evidence: Evidence, skipped: Skipped) -> Evidence:
    """Return what is good of *evidence*: in range, in form, and of each kind not too many."""
    holders = _kept(evidence.holders, _holder, MOST_HOLDERS, "holder", skipped)
    return Evidence(
        holders=tuple({one.name: one for one in holders}.values()),
        answers=tuple(
            answer
            for one in _few(evidence.answers, MOST_ANSWERS, "answer", skipped)
            if (answer := _answer(one, skipped)) is not None
        ),
        facts=_counts(evidence.facts, skipped),
        parting=None if evidence.parting is None else _parting(evidence.parting, skipped),
    )


def sound_levels(levels: tuple[Level, ...], skipped: Skipped) -> tuple[Level, ...]:
    """Return the good ones of *levels*, each holder once."""
    kept = {one.holder: one for one in levels[:MOST_LEVELS] if _is_level(one)}
    if len(kept) == len(levels):
        return levels
    skipped["level that is not of its form"] += len(levels) - len(kept)
    return tuple(kept.values())


def _is_level(level: Level) -> bool:
    return 0 < len(level.holder) <= LONGEST_NAME and 0 <= level.count <= LARGEST


def _kept(
    given: Sequence[_Kind],
    sound: Callable[[_Kind], _Kind | None],
    most: int,
    what: str,
    skipped: Skipped,
) -> list[_Kind]:
    """Return the first *most* of *given* as *sound* returns them, without those it refuses."""
    few = _few(given, most, what, skipped)
    kept = [good for one in few if (good := sound(one)) is not None]
    if len(kept) < len(few):
        skipped[f"{what} that is not of its form"] += len(few) - len(kept)
    return kept


def _few(given: Sequence[_Kind], most: int, what: str, skipped: Skipped) -> Sequence[_Kind]:
    if len(given) > most:
        skipped[f"{what} beyond the {most} that are kept"] += len(given) - most
    return given[:most]


def _holder(one: Holder) -> Holder | None:
    amounts = (one.entry_bytes, one.removed, one.bound or 0)
    if not 0 < len(one.name) <= LONGEST_NAME or not _are_counts(amounts):
        return None
    return replace(
        one,
        kind=one.kind[:LONGEST_NAME],
        entry=one.entry[:LONGEST_NAME],
        site=one.site[:LONGEST_FILE],
        endpoint=one.endpoint[:LONGEST_NAME],
        file=one.file[:LONGEST_FILE],
        library=one.library[:LONGEST_NAME],
        details=_counts(one.details, Counter()),
    )


def _counts(given: dict[str, int], skipped: Skipped) -> dict[str, int]:
    """Return the numbers of *given* that a worker may tell, negative ones among them."""
    kept = {
        name: amount
        for name, amount in list(given.items())[:MOST_COUNTS]
        if 0 < len(name) <= LONGEST_NAME and abs(amount) <= LARGEST
    }
    if len(kept) < len(given):
        skipped["fact that is not of its form"] += len(given) - len(kept)
    return kept


def _parting(one: Answer, skipped: Skipped) -> Answer | None:
    """Return the heap or the problem of *one*, which answers no ask."""
    kept = _answer(Answer(ask=1, problem=one.problem, heap=one.heap), skipped)
    return None if kept is None else replace(kept, ask=0)


def _answer(one: Answer, skipped: Skipped) -> Answer | None:
    kept = Answer(
        ask=one.ask,
        problem=one.problem[:LONGEST_FILE],
        sources=tuple(_kept(one.sources, _source, MOST_SOURCES, "source", skipped)),
        window=None if one.window is None else _window(one.window),
        trim=None if one.trim is None else _trim(one.trim),
        heap=None if one.heap is None else sound_heap(one.heap),
    )
    says = kept.problem or kept.sources or kept.window or kept.trim or kept.heap
    if not says or not 0 < one.ask <= LARGEST:
        skipped[BAD_ANSWER] += 1
        return None
    return kept


def _source(one: Source) -> Source | None:
    if not 0 < len(one.file) <= LONGEST_FILE or len(one.text) > LONGEST_TEXT:
        return None
    fit = [(name, line) for name, line in one.views.items() if len(name) <= LONGEST_NAME]
    return replace(
        one,
        module=one.module[:LONGEST_NAME],
        problem=one.problem[:LONGEST_FILE],
        views=dict([pair for pair in fit if _are_counts(pair[1:])][:MOST_VIEWS]),
    )


def _window(one: Window) -> Window | None:
    if not 0 <= one.seconds <= LONGEST_WINDOW or not math.isfinite(one.seconds):
        return None
    if not _are_counts((one.requests, abs(one.grown))):
        return None
    lines = [line for line in one.lines[:MOST_LINES] if _are_counts((line.bytes, line.count))]
    return replace(one, method=one.method[:LONGEST_NAME], lines=tuple(map(_line, lines)))


def _line(one: Line) -> Line:
    return replace(one, site=one.site[:LONGEST_FILE], inner=one.inner[:LONGEST_FILE])


def _trim(one: Trim) -> Trim | None:
    return one if _are_counts((one.before, one.after)) else None


def _are_counts(amounts: Iterable[Any]) -> bool:
    return all(0 <= amount <= LARGEST for amount in amounts)
