"""Turns the gauges of every sample into holders: open descriptors, and threads."""

from __future__ import annotations

from dataclasses import replace

from bugsly.protocol.evidence import Holder
from bugsly_server.model.leak_evidence import LeakEvidence, TimeBucket

GAUGE_HOLDERS = {
    "descriptors": Holder(name="open descriptors", kind="descriptor", entry="descriptor"),
    "threads": Holder(name="running threads", kind="thread", entry="thread"),
}
"""By field of `TimeBucket`. Both may grow where no probe knows more about them."""

GAUGE_NAMES = frozenset(one.name for one in GAUGE_HOLDERS.values())


def add_process_gauges(evidence: LeakEvidence) -> LeakEvidence:
    """Return *evidence* with the gauges among its holders."""
    histories = tuple(
        replace(history, buckets=tuple(_with_gauge_counts(bucket) for bucket in history.buckets))
        for history in evidence.histories
    )
    holders = {**evidence.holders, **{one.name: one for one in GAUGE_HOLDERS.values()}}
    return replace(evidence, histories=histories, holders=holders)


def _with_gauge_counts(bucket: TimeBucket) -> TimeBucket:
    counted = {one.name: getattr(bucket, field) for field, one in GAUGE_HOLDERS.items()}
    return bucket._replace(holder_counts={**bucket.holder_counts, **counted})
