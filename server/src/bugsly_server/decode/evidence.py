"""Sanitizes the evidence in a report: keeps what is valid, and counts what it leaves out."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from bugsly.protocol.evidence import (
    AllocationSite,
    AllocationWindow,
    Evidence,
    Holder,
    HolderCount,
    ModuleSource,
    ProbeResult,
    TrimResult,
)
from bugsly_server.decode.heap_snapshots import sanitize_heap

MAX_NAME_LENGTH = 300
MAX_FILE_LENGTH = 500
MAX_SOURCE_LENGTH = 512 * 1024
"""Characters of one source."""
MAX_COUNT = 1 << 50
MAX_WINDOW_SECONDS = 3600.0
MAX_HOLDERS = 100
"""In one report."""
MAX_LEVELS = 40
"""In one sample."""
MAX_DETAILS = 40
"""Details of a holder; facts of a worker."""
MAX_PROBE_RESULTS = 20
MAX_SOURCES = 50
MAX_VIEWS = 20
MAX_LINES = 100
INVALID_PROBE_RESULT = "answer that is not of its form"

_Kind = TypeVar("_Kind")
Skipped = Counter[str]


def sanitize_evidence(evidence: Evidence, skipped: Skipped) -> Evidence:
    """Return the valid parts of *evidence*: well-formed, in range, and not too many of a kind."""
    holders = _sanitize_each(evidence.holders, _sanitize_holder, MAX_HOLDERS, "holder", skipped)
    return Evidence(
        holders=tuple({one.name: one for one in holders}.values()),
        answers=tuple(
            answer
            for one in _first_items(evidence.answers, MAX_PROBE_RESULTS, "answer", skipped)
            if (answer := _sanitize_probe_result(one, skipped)) is not None
        ),
        facts=_sanitize_counts(evidence.facts, skipped),
        parting=None
        if evidence.parting is None
        else _sanitize_final_snapshot(evidence.parting, skipped),
    )


def sanitize_levels(levels: tuple[HolderCount, ...], skipped: Skipped) -> tuple[HolderCount, ...]:
    """Return the valid ones of *levels*, each holder once."""
    kept = {one.holder: one for one in levels[:MAX_LEVELS] if _is_valid_level(one)}
    if len(kept) == len(levels):
        return levels
    skipped["level that is not of its form"] += len(levels) - len(kept)
    return tuple(kept.values())


def _is_valid_level(level: HolderCount) -> bool:
    return 0 < len(level.holder) <= MAX_NAME_LENGTH and 0 <= level.count <= MAX_COUNT


def _sanitize_each(
    given: Sequence[_Kind],
    sanitize: Callable[[_Kind], _Kind | None],
    max_items: int,
    label: str,
    skipped: Skipped,
) -> list[_Kind]:
    """Return the first *max_items* of *given*, sanitized; *sanitize* returns None to refuse one."""
    items = _first_items(given, max_items, label, skipped)
    kept = [good for one in items if (good := sanitize(one)) is not None]
    if len(kept) < len(items):
        skipped[f"{label} that is not of its form"] += len(items) - len(kept)
    return kept


def _first_items(
    given: Sequence[_Kind], max_items: int, label: str, skipped: Skipped
) -> Sequence[_Kind]:
    if len(given) > max_items:
        skipped[f"{label} beyond the {max_items} that are kept"] += len(given) - max_items
    return given[:max_items]


def _sanitize_holder(holder: Holder) -> Holder | None:
    amounts = (holder.entry_bytes, holder.removed, holder.bound or 0)
    if not 0 < len(holder.name) <= MAX_NAME_LENGTH or not _are_counts(amounts):
        return None
    return replace(
        holder,
        kind=holder.kind[:MAX_NAME_LENGTH],
        entry=holder.entry[:MAX_NAME_LENGTH],
        site=holder.site[:MAX_FILE_LENGTH],
        endpoint=holder.endpoint[:MAX_NAME_LENGTH],
        file=holder.file[:MAX_FILE_LENGTH],
        library=holder.library[:MAX_NAME_LENGTH],
        details=_sanitize_counts(holder.details, Counter()),
    )


def _sanitize_counts(given: dict[str, int], skipped: Skipped) -> dict[str, int]:
    """Return the valid numbers of *given*; they may be negative."""
    kept = {
        name: amount
        for name, amount in list(given.items())[:MAX_DETAILS]
        if 0 < len(name) <= MAX_NAME_LENGTH and abs(amount) <= MAX_COUNT
    }
    if len(kept) < len(given):
        skipped["fact that is not of its form"] += len(given) - len(kept)
    return kept


def _sanitize_final_snapshot(result: ProbeResult, skipped: Skipped) -> ProbeResult | None:
    """Return the heap or the problem of *result*, which answers no request."""
    kept = _sanitize_probe_result(
        ProbeResult(ask=1, problem=result.problem, heap=result.heap), skipped
    )
    return None if kept is None else replace(kept, ask=0)


def _sanitize_probe_result(result: ProbeResult, skipped: Skipped) -> ProbeResult | None:
    kept = ProbeResult(
        ask=result.ask,
        problem=result.problem[:MAX_FILE_LENGTH],
        sources=tuple(
            _sanitize_each(result.sources, _sanitize_source, MAX_SOURCES, "source", skipped)
        ),
        window=None if result.window is None else _sanitize_window(result.window),
        trim=None if result.trim is None else _sanitize_trim(result.trim),
        heap=None if result.heap is None else sanitize_heap(result.heap),
    )
    has_content = kept.problem or kept.sources or kept.window or kept.trim or kept.heap
    if not has_content or not 0 < result.ask <= MAX_COUNT:
        skipped[INVALID_PROBE_RESULT] += 1
        return None
    return kept


def _sanitize_source(source: ModuleSource) -> ModuleSource | None:
    if not 0 < len(source.file) <= MAX_FILE_LENGTH or len(source.text) > MAX_SOURCE_LENGTH:
        return None
    short_views = [
        (name, line) for name, line in source.views.items() if len(name) <= MAX_NAME_LENGTH
    ]
    return replace(
        source,
        module=source.module[:MAX_NAME_LENGTH],
        problem=source.problem[:MAX_FILE_LENGTH],
        views=dict([pair for pair in short_views if _are_counts(pair[1:])][:MAX_VIEWS]),
    )


def _sanitize_window(window: AllocationWindow) -> AllocationWindow | None:
    if not 0 <= window.seconds <= MAX_WINDOW_SECONDS or not math.isfinite(window.seconds):
        return None
    if not _are_counts((window.requests, abs(window.grown))):
        return None
    lines = [line for line in window.lines[:MAX_LINES] if _are_counts((line.bytes, line.count))]
    return replace(
        window, method=window.method[:MAX_NAME_LENGTH], lines=tuple(map(_bounded_line, lines))
    )


def _bounded_line(line: AllocationSite) -> AllocationSite:
    return replace(line, site=line.site[:MAX_FILE_LENGTH], inner=line.inner[:MAX_FILE_LENGTH])


def _sanitize_trim(trim: TrimResult) -> TrimResult | None:
    return trim if _are_counts((trim.before, trim.after)) else None


def _are_counts(amounts: Iterable[Any]) -> bool:
    return all(0 <= amount <= MAX_COUNT for amount in amounts)
