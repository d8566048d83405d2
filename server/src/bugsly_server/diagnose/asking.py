"""What to ask the workers for, so that a diagnosis can be made or made better."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from bugsly.protocol.evidence import Ask
from bugsly_server.clock import SECOND
from bugsly_server.diagnose.echoes import lacks_holder
from bugsly_server.model.diagnosis import Cause, Diagnosis
from bugsly_server.model.dossier import Dossier, Life

MOST_FILES = 6
WINDOW_REQUESTS = 200
HEAP_REQUESTS = (300, 900)
"""The least and the most that a walk takes."""
HEAP_SECONDS = 60.0
"""That it takes in between, at the worker's pace."""
OPEN = {Cause.UNKNOWN, Cause.NATIVE, Cause.RETENTION, Cause.CYCLES}
"""Causes that a dear probe may settle."""
MADE = {Cause.CYCLES}
"""Causes of which the view that makes the objects tells more than the line that allocates them."""
UNTRIMMED = {Cause.CYCLES}
"""Causes of which a trim tells nothing: it would only free what was left lying."""


class Wanted(NamedTuple):
    """A probe, and the worker to ask for it."""

    worker_id: int
    ask: Ask


def wanted(dossier: Dossier, found: Iterable[Diagnosis]) -> list[Wanted]:
    """Return what is worth to be asked for: sources that are missing, then the dear probes.

    A dear probe is wanted once in a worker's life, and only where the cause is still open; a walk
    of its heap also where it is known what is left behind, and not what holds it.
    """
    by_worker = {life.worker_id: life for life in dossier.lives}
    diagnoses = list(found)
    asks = [*_sources(dossier, diagnoses)]
    for one in diagnoses:
        worker = next((by_worker[key] for key in one.workers if key in by_worker), None)
        if worker is not None and _is_open(one):
            asks += _dear(one, worker)
        elif worker is not None and (lacks_holder(one) or one.cause is Cause.CYCLES):
            asks += _heap(worker)
    return asks


def _sources(dossier: Dossier, found: Collection[Diagnosis]) -> Iterator[Wanted]:
    """Yield one ask for the sources that diagnoses would like to read and nobody has sent."""
    newest = max(dossier.lives, key=_seen_at, default=None)
    seen = {endpoint for source in dossier.sources.values() for endpoint in source.views}
    told = [one for one in found if one.is_leak or one.cause is Cause.BUFFERED_RESPONSE]
    words = [one.file for one in told if one.file and one.file not in dossier.sources]
    words += [one.unread for one in told if one.unread]
    words += [path for one in told if (path := _unread(one.site, dossier))]
    unseen = [one for one in told if one.endpoint not in {"", *seen}]
    words += [one.endpoint for one in unseen if one.library or not one.site or one.cause in MADE]
    if newest is not None and words:
        names = tuple(sorted(set(words)))[:MOST_FILES]
        yield Wanted(newest.worker_id, Ask(id=0, probe="source", files=names))


def _unread(site: str, dossier: Dossier) -> str:
    """Return the short path of *site* where its source was not read."""
    path = site.rpartition(":")[0]
    known = any(file.endswith(f"/{path}") or file == path for file in dossier.sources)
    return "" if known else path


def _seen_at(life: Life) -> int:
    return life.steps[-1].at if life.steps else 0


def _is_open(diagnosis: Diagnosis) -> bool:
    """Return whether a dear probe may tell what holds or makes what grows."""
    if diagnosis.is_symptom:
        return not diagnosis.site and diagnosis.bytes_per_request > 0
    if diagnosis.cause is Cause.CYCLES and diagnosis.site:
        return False
    return diagnosis.cause in OPEN and not diagnosis.holder


def _dear(diagnosis: Diagnosis, life: Life) -> Iterator[Wanted]:
    if not life.trims and not diagnosis.is_symptom and diagnosis.cause not in UNTRIMMED:
        yield Wanted(life.worker_id, Ask(id=0, probe="trim"))
    elif diagnosis.cause is not Cause.RETENTION:
        if is_walkable(life):
            yield from _heap(life)
        elif not life.windows:
            asked = Ask(id=0, probe="window", requests=WINDOW_REQUESTS)
            yield Wanted(life.worker_id, asked)


def _heap(life: Life) -> Iterator[Wanted]:
    if is_walkable(life):
        yield Wanted(life.worker_id, Ask(id=0, probe="heap", requests=_lasting(life)))


def _lasting(life: Life) -> int:
    """Return the requests of a walk, for which a busy worker has time for more."""
    least, most = HEAP_REQUESTS
    pace = 0.0
    if len(life.steps) > 1:
        first, last = life.steps[0], life.steps[-1]
        pace = (last.requests - first.requests) * SECOND / max(1, last.at - first.at)
    return round(min(most, max(least, pace * HEAP_SECONDS)))


def is_walkable(life: Life) -> bool:
    """Return whether a walk of its heap was not had, nor asked for in vain."""
    return not life.heaps and "heap" not in life.in_vain
