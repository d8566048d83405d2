"""From a walked heap to the holders in it that no count of the census reaches.

A walk lasts some hundred requests, in which a cache that fills looks like a leak. So it only names
what something else has shown to grow for long: the memory of a worker, or objects seen to be left
behind. What may have a bound that a walk cannot see is a guess, until its source says otherwise.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from bugsly.protocol.evidence import Heap, Retainer
from bugsly_server.diagnose.driven import (
    Driver,
    Drivers,
    even_run,
    gain,
    is_whole,
    matching,
    memory_gained,
)
from bugsly_server.diagnose.echoes import are_alike
from bugsly_server.diagnose.paths import holder_name, words
from bugsly_server.diagnose.remainder import MOST
from bugsly_server.diagnose.retainers import GUESS, Grown, fed_by, name_holder, trace_of
from bugsly_server.diagnose.steady import Course, Run
from bugsly_server.diagnose.tracks import KEYED, Track
from bugsly_server.model.diagnosis import Cause, Diagnosis
from bugsly_server.model.dossier import Dossier, Life

EXPLAINS = 0.2
"""The part of a worker's growth from which a holder may be its cause."""
BEYOND = 4.0
"""Times a worker's growth, from which a holder's is of another kind: memory would show it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """The heap that counts, and the worker whose it is."""

    life: Life
    heap: Heap


def walked(dossier: Dossier, growing: Collection[int]) -> Walked | None:
    """Return the latest heap of the code that runs now, rather one of a worker that grows."""
    grown = [one.worker_id for one in dossier.lives if one.worker_id in growing]
    running = [one for one in dossier.lives if not grown or one.worker_id in grown]
    release = max(running, key=_seen_at).release if running else ""
    found = [one for one in dossier.lives if one.heaps and one.release == release]
    life = max(found, key=lambda one: (one.worker_id in grown, _seen_at(one)), default=None)
    return None if life is None else Walked(life=life, heap=life.heaps[-1])


def of_heap(
    one: Walked, dossier: Dossier, growing: Collection[int], tracks: Sequence[Track]
) -> list[Diagnosis]:
    """Return the diagnoses of the holders that only the walk found; of nested ones the outermost.

    What the census counts is its business, and so is what lies within a holder that stops.
    """
    drivers = Drivers.known(dossier, growing, tracks)
    counted = {words(track.holder.name) for track in tracks}
    stopping = [track for track in tracks if track.course in {Course.BOUNDED, Course.FILLING}]
    within = [words(track.holder.name) for track in stopping]
    found = []
    for grown in _grown(one, drivers):
        name = words(grown.retainer.path)
        inner = any(name[: len(outer)] == outer for outer in within)
        if name in counted or inner or not _lasts(grown, stopping):
            continue
        fed = fed_by(grown, dossier.sources)
        if not fed.stops:
            within.append(name)
            found.append(name_holder(grown, fed, one.heap, dossier))
    return found


def with_held(
    rest: Diagnosis, one: Walked, dossier: Dossier, growing: Collection[int]
) -> Diagnosis:
    """Return *rest*, which nothing was seen to hold, as unknown where the walk met what may do so.

    A holder that may yet stop is not named; but nothing leaks below Python that Python holds.
    """
    if rest.cause is not Cause.NATIVE:
        return rest
    memory = memory_gained(dossier, growing)
    for retainer in one.heap.retainers:
        part = _part(retainer, one, memory)
        if part is not None and MOST <= part <= BEYOND:
            fact = f"{trace_of(retainer, one.heap).told(holder_name(retainer))}, and may yet stop"
            doubtful = replace(rest, cause=Cause.UNKNOWN, is_leak=False, confidence=GUESS)
            return replace(doubtful, because=(fact, *rest.because))
    return rest


def confirmed(diagnosis: Diagnosis, one: Walked) -> Diagnosis:
    """Return *diagnosis* with the way to its holder, where the walk met that one too."""
    for retainer in one.heap.retainers:
        if diagnosis.trace is None and words(retainer.path) == words(diagnosis.holder):
            first, *others = diagnosis.because
            trace = trace_of(retainer, one.heap)
            fact = f"in a walk of the heap, {trace.told(diagnosis.holder)}"
            told = replace(diagnosis, because=(first, fact, *others), trace=trace)
            return _weighed(told, retainer)
    return diagnosis


def _weighed(diagnosis: Diagnosis, retainer: Retainer) -> Diagnosis:
    """Return *diagnosis* with the weight of what *retainer* gained, where that is heavier.

    The census looks at one entry, and not far into it.
    """
    gained, each = gain(retainer.counts), diagnosis.bytes_per_request
    if gained <= 0 or not each or gain(retainer.retained) <= 0:
        return diagnosis
    heavier = gain(retainer.retained) / gained * diagnosis.entries_per_request / each
    if heavier <= 1:
        return diagnosis
    return replace(
        diagnosis,
        bytes_per_request=heavier * each,
        bytes=max(diagnosis.bytes, retainer.retained[-1]),
        part=min(1.0, heavier * diagnosis.part),
    )


def _grown(one: Walked, drivers: Drivers) -> Iterator[Grown]:
    """Yield the retainers that gained with the requests that drive them, outer ones first."""
    for retainer in sorted(one.heap.retainers, key=lambda each: len(each.hops)):
        part = _part(retainer, one, drivers.memory)
        for driver in drivers.of(one.life, one.heap.requests, retainer.counts):
            run = _run(retainer, one, driver)
            if run is not None:
                yield Grown(retainer=retainer, run=run, driver=driver, part=part)
                break


def _part(retainer: Retainer, one: Walked, memory: float) -> float | None:
    """Return the part of the *memory* gained per request that is *retainer*'s; None of none."""
    requests = max(1, gain(one.heap.requests))
    return gain(retainer.retained) / requests / memory if memory else None


def _run(retainer: Retainer, one: Walked, driver: Driver) -> Run | None:
    """Return how *retainer* grew with what *driver* drives, None where it did not, or may not."""
    judged = partial(even_run, one.life, driver.shares, one.heap.requests)
    weighed, counted = judged(retainer.retained), judged(retainer.counts)
    run = weighed if gain(retainer.counts) == 0 else counted
    if (
        weighed is None
        or run is None
        or (_is_keyed(retainer) and not _is_endless(run, retainer, one))
    ):
        return None
    return run


def _is_endless(run: Run, retainer: Retainer, one: Walked) -> bool:
    """Return whether each request brings as many new keys: of a stock that ends ever fewer are."""
    return is_whole(run.each) or bool(matching(one.life, one.heap.requests, retainer.counts))


def _lasts(grown: Grown, stopping: Sequence[Track]) -> bool:
    """Return whether something that was watched for longer says that *grown* goes on."""
    if grown.driver.symptom is not None:
        return True
    if grown.driver.echo is not None and not grown.driver.echo.holder.library:
        return False
    if any(are_alike(grown.run.each, track.each) for track in stopping):
        return False
    return grown.part is not None and EXPLAINS <= grown.part <= BEYOND


def _is_keyed(retainer: Retainer) -> bool:
    kind = retainer.hops[-1].type.rpartition(".")[2]
    return kind in KEYED or "dict" in kind.lower()


def _seen_at(life: Life) -> int:
    return life.steps[-1].at if life.steps else 0
