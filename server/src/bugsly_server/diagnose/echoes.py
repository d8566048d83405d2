"""Tells a leak from its echoes: entries of one leak are often counted in several places.

An engine made for each request adds to lists of its library, keeps descriptors open, and survives
with its request.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bugsly_server.diagnose.gauges import GAUGED
from bugsly_server.model.diagnosis import Cause, Diagnosis

ALIKE = 0.2
"""Two holders grow together when their entries per request differ by no more."""
MEANING = {
    Cause.UNRETURNED_CONNECTION: 5,
    Cause.MADE_PER_REQUEST: 5,
    Cause.THREADS: 4,
    Cause.METRIC_LABELS: 4,
    Cause.HANDLERS_PER_REQUEST: 3,
    Cause.KEPT_EXCEPTION: 3,
    Cause.UNBOUNDED_CACHE: 2,
    Cause.GROWING_CONTAINER: 2,
}
"""Of holders that grow together, the one whose cause says more stands for all."""
SYMPTOMS = ("open ", "requests alive ", "failed requests alive ", "functions registered ")
"""Names of what is seen to grow and is held by something else."""


def without_echoes(named: Sequence[Diagnosis]) -> list[Diagnosis]:
    """Return one diagnosis for each leak among *named*, the heaviest first."""
    groups: list[list[Diagnosis]] = []
    for one in sorted(named, key=_weight, reverse=True):
        group = next((known for known in groups if _belongs(one, known)), None)
        if group is None:
            groups.append([one])
        else:
            group.append(one)
    return [_spokesman(group) for group in groups]


def is_symptom(one: Diagnosis) -> bool:
    """Return whether *one* tells what is left behind, and not what holds it."""
    return one.holder.startswith(SYMPTOMS)


def lacks_holder(one: Diagnosis) -> bool:
    """Return whether *one* is a symptom of which not even the line is known."""
    return is_symptom(one) and not one.site and one.holder not in GAUGED


def are_alike(left: float, right: float) -> bool:
    """Return whether two holders gain about as many entries per request."""
    return abs(left - right) <= ALIKE * max(left, right)


def _belongs(one: Diagnosis, group: Sequence[Diagnosis]) -> bool:
    """Return whether *one* grows with the same requests, as often or hardly worth its own line."""
    if one.endpoint != group[0].endpoint:
        return False
    light = one.bytes_per_request <= ALIKE * group[0].bytes_per_request
    return light or any(
        are_alike(one.entries_per_request, known.entries_per_request) for known in group
    )


def _spokesman(group: Sequence[Diagnosis]) -> Diagnosis:
    """Return the one of *group* that says most, with what the others add to it."""
    first = max(group, key=_telling)
    others = [one for one in group if one is not first]
    heaviest = max(group, key=lambda one: one.bytes_per_request)
    return replace(
        first,
        because=(*first.because, *(f"with it grows {one.holder}" for one in others[:5])),
        part=min(1.0, sum(one.part for one in group)),
        bytes_per_request=heaviest.bytes_per_request,
        bytes=heaviest.bytes,
    )


def _telling(one: Diagnosis) -> tuple[bool, bool, int, bool, bool, float]:
    return (
        not is_symptom(one),
        not one.library,
        MEANING.get(one.cause, 0),
        one.trace is None,
        one.holder not in GAUGED,
        one.bytes_per_request,
    )


def _weight(one: Diagnosis) -> float:
    return one.bytes_per_request
