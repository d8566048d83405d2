"""Tells a leak from its echoes: entries of one leak are often counted in several places.

An engine made for each request adds to lists of its library, keeps descriptors open, and survives
with its request.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bugsly_server.diagnose.gauges import GAUGED
from bugsly_server.diagnose.paths import of_any_thread
from bugsly_server.model.diagnosis import Cause, Diagnosis

ALIKE = 0.2
"""Two holders grow together when their entries per request differ by no more."""
MEANING = {
    Cause.UNRETURNED_CONNECTION: 5,
    Cause.MADE_PER_REQUEST: 5,
    Cause.OUTSIDE_WORKERS: 5,
    Cause.THREADS: 4,
    Cause.METRIC_LABELS: 4,
    Cause.HANDLERS_PER_REQUEST: 3,
    Cause.KEPT_EXCEPTION: 3,
    Cause.UNBOUNDED_CACHE: 2,
    Cause.GROWING_CONTAINER: 2,
}
"""Of holders that grow together, the one whose cause says more stands for all."""


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


def with_remainder(named: Sequence[Diagnosis], rest: Diagnosis) -> list[Diagnosis]:
    """Return *named* and *rest*, the growth that they leave unexplained.

    A symptom that grows with the same requests is the face of it: both are one leak.
    """
    face = next((one for one in named if _is_face(one, rest)), None)
    if face is None:
        return [*named, rest]
    whole = replace(
        face,
        cause=Cause.CYCLES if rest.cause is Cause.CYCLES else face.cause,
        site=face.site or rest.site,
        bytes_per_request=max(face.bytes_per_request, rest.bytes_per_request),
        bytes=max(face.bytes, rest.bytes),
        part=min(1.0, face.part + rest.part),
        because=(*face.because, *rest.because),
    )
    return [whole, *(one for one in named if one is not face)]


def _is_face(one: Diagnosis, rest: Diagnosis) -> bool:
    return one.is_symptom and rest.is_leak and one.endpoint == rest.endpoint


def lacks_holder(one: Diagnosis) -> bool:
    """Return whether *one* is a symptom of which not even the line is known."""
    return one.is_symptom and not one.site and one.holder not in GAUGED


def are_alike(left: float, right: float) -> bool:
    """Return whether two holders gain about as many entries per request."""
    return abs(left - right) <= ALIKE * max(left, right)


def _belongs(one: Diagnosis, group: Sequence[Diagnosis]) -> bool:
    """Return whether *one* grows with the same requests, and tells of nothing else.

    It does so as often, or hardly weighs anything, or both lie in libraries: one act of the
    application leaves traces all over them. Or it is the symptom of what is in *group*, or the same
    in another thread.
    """
    mine = of_any_thread(one.holder)
    if mine != one.holder and any(of_any_thread(known.holder) == mine for known in group):
        return True
    if one.is_symptom and any(known.symptom == one.holder for known in group):
        return True
    if one.endpoint != group[0].endpoint:
        return False
    if one.library and all(known.library for known in group):
        return True
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


def _telling(one: Diagnosis) -> tuple[bool, bool, bool, int, bool, bool, float]:
    return (
        not one.is_symptom,
        not one.library,
        bool(one.known),
        MEANING.get(one.cause, 0),
        one.trace is None,
        one.holder not in GAUGED,
        one.bytes_per_request,
    )


def _weight(one: Diagnosis) -> float:
    return one.bytes_per_request
