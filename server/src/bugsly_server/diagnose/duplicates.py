"""Merges the diagnoses of one leak: its entries are often counted in several places.

An engine that is created for each request adds to lists of its library, keeps descriptors open,
and stays alive together with its request.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bugsly_server.diagnose.growth.holder_growth import MAX_RATE_DIFFERENCE, have_similar_rates
from bugsly_server.diagnose.growth.process_gauges import GAUGE_NAMES
from bugsly_server.fingerprint.leak import without_thread_number
from bugsly_server.model.diagnosis import Cause, DiagnosedGrowth, Diagnosis

CAUSE_RANK = {
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
"""Of holders that grow together, the one with the highest rank represents all of them."""
MAX_NAMED_DUPLICATES = 5


def merge_duplicates(diagnoses: Sequence[Diagnosis]) -> list[Diagnosis]:
    """Return one diagnosis for each leak among *diagnoses*, the heaviest first."""
    groups: list[list[Diagnosis]] = []
    for diagnosis in sorted(diagnoses, key=_weight, reverse=True):
        group = next((known for known in groups if _is_duplicate(diagnosis, known)), None)
        if group is None:
            groups.append([diagnosis])
        else:
            group.append(diagnosis)
    return [_merge_group(group) for group in groups]


def merge_unattributed(
    diagnoses: Sequence[Diagnosis], unattributed: Diagnosis | None
) -> list[Diagnosis]:
    """Return *diagnoses* and *unattributed*, the growth that they leave unexplained.

    A symptom that grows with the same requests shows the same leak; both become one diagnosis.
    """
    if unattributed is None:
        return [*diagnoses]
    symptom = next((one for one in diagnoses if _is_symptom_of(one, unattributed)), None)
    if symptom is None:
        return [*diagnoses, unattributed]
    grown, unexplained = symptom.growth, unattributed.growth
    merged = replace(
        symptom,
        cause=Cause.CYCLES if unattributed.cause is Cause.CYCLES else symptom.cause,
        growth=DiagnosedGrowth(
            bytes_per_request=max(grown.bytes_per_request, unexplained.bytes_per_request),
            part=min(1.0, grown.part + unexplained.part),
            bytes=max(grown.bytes, unexplained.bytes),
        ),
        evidence=replace(
            symptom.evidence,
            reasons=(*symptom.evidence.reasons, *unattributed.evidence.reasons),
        ),
        location=replace(
            symptom.location, site=symptom.location.site or unattributed.location.site
        ),
    )
    return [merged, *(one for one in diagnoses if one is not symptom)]


def _is_symptom_of(diagnosis: Diagnosis, unattributed: Diagnosis) -> bool:
    return (
        diagnosis.is_symptom
        and unattributed.is_leak
        and diagnosis.attribution.endpoint == unattributed.attribution.endpoint
    )


def is_unexplained_symptom(diagnosis: Diagnosis) -> bool:
    """Return whether *diagnosis* is a symptom and its line is unknown."""
    return (
        diagnosis.is_symptom
        and diagnosis.location.site is None
        and diagnosis.holder_name not in GAUGE_NAMES
    )


def _is_duplicate(diagnosis: Diagnosis, group: Sequence[Diagnosis]) -> bool:
    """Return whether *diagnosis* shows the same leak as *group*.

    It then grows with the same requests, and either at the same rate, or it hardly weighs
    anything, or both lie in libraries: one call of the application leaves traces all over them. Or
    it is the symptom of a holder in *group*, or the same holder in another thread.
    """
    own_path = without_thread_number(_name(diagnosis))
    if own_path != _name(diagnosis) and any(
        without_thread_number(_name(known)) == own_path for known in group
    ):
        return True
    if diagnosis.is_symptom and any(_symptom(known) == _name(diagnosis) for known in group):
        return True
    if diagnosis.attribution.endpoint != group[0].attribution.endpoint:
        return False
    if diagnosis.library and all(known.library for known in group):
        return True
    is_light = (
        diagnosis.growth.bytes_per_request
        <= MAX_RATE_DIFFERENCE * group[0].growth.bytes_per_request
    )
    return is_light or any(
        have_similar_rates(_entry_rate(diagnosis), _entry_rate(known)) for known in group
    )


def _merge_group(group: Sequence[Diagnosis]) -> Diagnosis:
    """Return the most significant of *group*, with the reasons and weight of the others."""
    principal = max(group, key=_significance)
    others = [one for one in group if one is not principal]
    heaviest = max(group, key=_weight).growth
    companions = (f"with it grows {_name(one)}" for one in others[:MAX_NAMED_DUPLICATES])
    return replace(
        principal,
        growth=replace(heaviest, part=min(1.0, sum(one.growth.part for one in group))),
        evidence=replace(principal.evidence, reasons=(*principal.evidence.reasons, *companions)),
    )


def _significance(diagnosis: Diagnosis) -> tuple[bool, bool, bool, int, bool, bool, float]:
    return (
        not diagnosis.is_symptom,
        not diagnosis.library,
        diagnosis.known_leak is not None,
        CAUSE_RANK.get(diagnosis.cause, 0),
        diagnosis.evidence.heap_path is None,
        _name(diagnosis) not in GAUGE_NAMES,
        diagnosis.growth.bytes_per_request,
    )


def _weight(diagnosis: Diagnosis) -> float:
    return diagnosis.growth.bytes_per_request


def _name(diagnosis: Diagnosis) -> str:
    return diagnosis.holder_name or ""


def _symptom(diagnosis: Diagnosis) -> str | None:
    return None if diagnosis.holder is None else diagnosis.holder.symptom


def _entry_rate(diagnosis: Diagnosis) -> float:
    return 0.0 if diagnosis.holder is None else diagnosis.holder.entries_per_request
