"""The record of an explanation, as a finding has it."""

from __future__ import annotations

import msgspec

from bugsly_server.model.explanation import Explanation, Fix


class FixRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A `Fix`."""

    change: str
    diff: str | None
    link: str | None


class ExplanationRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An `Explanation`."""

    title: str
    what: str
    cost: str
    fix: FixRecord
    source_excerpt: tuple[tuple[int, str], ...]


def explanation_to_record(explanation: Explanation) -> ExplanationRecord:
    """Return the record of *explanation*."""
    fix = explanation.fix
    return ExplanationRecord(
        title=explanation.title,
        what=explanation.what,
        cost=explanation.cost,
        fix=FixRecord(change=fix.change, diff=fix.diff, link=fix.link),
        source_excerpt=explanation.source_excerpt,
    )


def explanation_from_record(record: ExplanationRecord) -> Explanation:
    """Return the explanation in *record*."""
    fix = record.fix
    return Explanation(
        title=record.title,
        what=record.what,
        cost=record.cost,
        fix=Fix(change=fix.change, diff=fix.diff, link=fix.link),
        source_excerpt=record.source_excerpt,
    )
