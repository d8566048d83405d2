"""Keeps of a heap's answer what is good of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from bugsly.protocol.evidence import Heap, Hop, Orphans, Retainer

LONGEST_NAME = 300
LONGEST_PATH = 1_000
LONGEST_WALK = 3_600.0
LARGEST = 1 << 50
SNAPSHOTS = range(1, 9)
MOST_RETAINERS = 50
MOST_ORPHANS = 50
MOST_HOPS = 40
MOST_TYPES = 20


def sound_heap(one: Heap) -> Heap | None:
    """Return *one* with those of its retainers and orphans that fit its snapshots, in form.

    None where it is of no form itself.
    """
    number = len(one.requests)
    times = (one.pause, one.seconds)
    if number not in SNAPSHOTS or not all(0 <= time <= LONGEST_WALK for time in times):
        return None
    if not _are_counts((*one.requests, one.objects, one.bytes)) or not _rises(one.requests):
        return None
    retainers = [_retainer(each) for each in one.retainers if _is_retainer(each, number)]
    orphans = [each for each in one.orphans if _is_orphans(each, number)]
    return replace(
        one,
        walker=one.walker[:LONGEST_NAME],
        retainers=tuple(retainers[:MOST_RETAINERS]),
        orphans=tuple(orphans[:MOST_ORPHANS]),
    )


def _is_retainer(one: Retainer, number: int) -> bool:
    named = 0 < len(one.path) <= LONGEST_PATH and 0 < len(one.hops) <= MOST_HOPS
    return named and _fit(one.counts, number) and _fit(one.retained, number)


def _retainer(one: Retainer) -> Retainer:
    types = [(name[:LONGEST_NAME], amount) for name, amount in one.types.items() if name]
    return replace(
        one,
        hops=tuple(
            Hop(name=hop.name[:LONGEST_NAME], type=hop.type[:LONGEST_NAME]) for hop in one.hops
        ),
        types=dict([pair for pair in types if _are_counts(pair[1:])][:MOST_TYPES]),
    )


def _is_orphans(one: Orphans, number: int) -> bool:
    return (
        0 < len(one.type) <= LONGEST_NAME and _fit(one.counts, number) and _fit(one.bytes, number)
    )


def _fit(numbers: Sequence[int], number: int) -> bool:
    """Return whether there is one sound count for each snapshot."""
    return len(numbers) == number and _are_counts(numbers)


def _rises(requests: Sequence[int]) -> bool:
    return all(before <= after for before, after in pairwise(requests))


def _are_counts(amounts: Iterable[int]) -> bool:
    return all(0 <= amount <= LARGEST for amount in amounts)
