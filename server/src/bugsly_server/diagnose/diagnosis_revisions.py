"""Revises a diagnosis that later evidence confirms, doubts or outweighs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bugsly_server.model.diagnosis import Diagnosis
from bugsly_server.model.heap_path import HeapPath

GUESS_CONFIDENCE = 0.4
"""The confidence in a holder that may have a bound."""
REMOVAL_DOUBT = 0.15
"""What is taken off a confidence where the source also removes entries."""


def with_reasons(
    diagnosis: Diagnosis, *, first: Iterable[str] = (), last: Iterable[str] = ()
) -> Diagnosis:
    """Return *diagnosis* with the reasons *first* and *last* around its own."""
    reasons = (*first, *diagnosis.evidence.reasons, *last)
    return replace(diagnosis, evidence=replace(diagnosis.evidence, reasons=reasons))


def with_confidence(diagnosis: Diagnosis, confidence: float) -> Diagnosis:
    """Return *diagnosis*, held with *confidence*, 0 to 1."""
    return replace(diagnosis, evidence=replace(diagnosis.evidence, confidence=confidence))


def with_growth(
    diagnosis: Diagnosis, *, bytes_per_request: float, held_bytes: int, part: float
) -> Diagnosis:
    """Return *diagnosis* of so much growth; *part* is cut at 1, the whole of it."""
    growth = replace(
        diagnosis.growth,
        bytes_per_request=bytes_per_request,
        bytes=held_bytes,
        part=min(1.0, part),
    )
    return replace(diagnosis, growth=growth)


def with_heap_path(diagnosis: Diagnosis, heap_path: HeapPath) -> Diagnosis:
    """Return *diagnosis* with the path that a walk of the heap found."""
    return replace(diagnosis, evidence=replace(diagnosis.evidence, heap_path=heap_path))


def with_second_reason(diagnosis: Diagnosis, reason: str) -> Diagnosis:
    """Return *diagnosis* with *reason* after its first, the most telling one."""
    first, *others = diagnosis.evidence.reasons
    reasons = (first, reason, *others)
    return replace(diagnosis, evidence=replace(diagnosis.evidence, reasons=reasons))
