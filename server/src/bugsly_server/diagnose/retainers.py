"""What a holder of a walked heap stands for: its cause, its line, what it keeps."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from bugsly.protocol.evidence import Heap, Holder, Retainer, Source
from bugsly_server.diagnose.causes import KEPT, MADE, cause_of
from bugsly_server.diagnose.driven import Driver, gain
from bugsly_server.diagnose.feeds import Feed, choose, read
from bugsly_server.diagnose.paths import holder_name, library_of, modules, source_of
from bugsly_server.diagnose.places import locate
from bugsly_server.diagnose.remainder import is_off
from bugsly_server.diagnose.steady import Run
from bugsly_server.model.diagnosis import Diagnosis
from bugsly_server.model.dossier import Dossier
from bugsly_server.model.trace import Trace
from bugsly_server.model.units import count, size

MAY_STOP = re.compile(r"(?i)(deque|cache|cache_wrapper|lru|ttl|queue|pool|ring)$")
"""Ends of types that often have a bound, which a walk does not see."""
BOUNDS = re.compile(r"maxlen|maxsize|max_size")
MANY = 0.5
"""Objects of a type per entry, from which they are what an entry is made of."""
GUESS = 0.4
"""Confidence in a holder that may have a bound."""
LEAVING = 0.15
"""What is less sure where the source also takes entries out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grown:
    """A retainer that gained with requests."""

    retainer: Retainer
    run: Run
    """Over the requests that drive it: of entries, or of bytes where it grows by those alone."""
    driver: Driver
    part: float | None
    """Of the growth of the workers' memory; None where none surely grows."""


class Fed(NamedTuple):
    """What the sources say of a holder."""

    feed: Feed | None = None
    source: Source | None = None
    """The one with the feed in it."""
    missing: str = ""
    """A module whose source may say more, and was not asked for yet."""
    stops: bool = False
    """Whether it has a bound."""
    leaves: bool = False
    """Whether entries are taken out somewhere."""


def fed_by(grown: Grown, sources: Mapping[str, Source]) -> Fed:
    """Return what the source of its owners, or of the module it hangs on, says of a holder."""
    found = Fed()
    for module, path in modules(grown.retainer):
        source = source_of(module, sources)
        if source is None:
            found = found._replace(missing=found.missing or module)
        if source is None or not source.text:
            continue
        reading = read(source.text, path, source.module)
        bounds = _may_stop(grown.retainer) and BOUNDS.search(source.text) is not None
        found = found._replace(
            stops=found.stops or reading.bound is not None or bounds,
            leaves=found.leaves or reading.removes,
        )
        if reading.feeds and found.feed is None:
            feed = choose(reading.feeds, grown.driver.endpoint)
            found = found._replace(feed=feed, source=source)
    return found if found.feed is None else found._replace(missing="")


def name_holder(grown: Grown, fed: Fed, heap: Heap, dossier: Dossier) -> Diagnosis:
    """Return the diagnosis of a holder that goes on growing."""
    retainer, run, shares = grown.retainer, grown.run, grown.driver.shares
    endpoint = grown.driver.endpoint
    known = fed.source.file if fed.source is not None else fed.missing
    holder = Holder(
        name=holder_name(retainer),
        kind=retainer.hops[-1].type,
        entry=entry_of(retainer),
        file=known,
        library=library_of(known),
    )
    symptom = grown.driver.symptom
    others = [symptom.holder] if symptom is not None else []
    cause = cause_of(holder, fed.feed, others, collected=not is_off(dossier))
    site, file = locate(holder, fed.feed, cause, endpoint, dossier.sources)
    return Diagnosis(
        cause=cause,
        is_leak=True,
        holder=holder.name,
        site=site,
        file=file,
        endpoint=endpoint,
        shares=shares,
        bytes_per_request=gain(retainer.retained) / run.requests,
        entries_per_request=gain(retainer.counts) / run.requests,
        part=1.0 if grown.part is None else min(1.0, grown.part),
        bytes=retainer.retained[-1],
        bound_bytes=None,
        confidence=_confidence(grown, fed, endpoint),
        because=tuple(_because(grown, heap)),
        unless=("it is emptied, or reaches a bound, later than was watched",),
        workers=grown.driver.workers,
        library=holder.library,
        entries=retainer.counts[-1],
        trace=trace_of(retainer, heap),
        symptom=symptom.holder.name if symptom is not None else "",
    )


def trace_of(retainer: Retainer, heap: Heap) -> Trace:
    """Return the way to a holder."""
    return Trace(
        hops=retainer.hops,
        requests=heap.requests,
        counts=retainer.counts,
        bytes=retainer.retained[-1],
        entry=entry_of(retainer),
        types=retainer.types,
        objects=heap.objects,
        pause=heap.pause,
    )


def entry_of(retainer: Retainer) -> str:
    """Return the type that tells most of what a holder keeps, one object to an entry if may be.

    Empty where none is kept in number.
    """
    least = MANY * gain(retainer.counts)
    near = sorted(retainer.types, key=lambda name: abs(retainer.types[name] - retainer.counts[-1]))
    many = [name for name in near if retainer.types[name] >= least]
    telling = [name for name in many if KEPT.search(name) or MADE.search(name)]
    own = [name for name in many if "." in name]
    return next(iter([*telling, *own, *many]), "")


def _may_stop(retainer: Retainer) -> bool:
    return any(MAY_STOP.search(hop.type) for hop in retainer.hops[-2:])


def _confidence(grown: Grown, fed: Fed, endpoint: str) -> float:
    """Return how sure it is, from how much was seen and from what agrees with it."""
    if _may_stop(grown.retainer) and (fed.feed is None or fed.leaves):
        return GUESS
    seen = gain(grown.retainer.counts) or grown.run.requests
    doubt = 0.5 / math.sqrt(max(1.0, seen / 40))
    doubt *= 0.6 if fed.feed is not None or grown.driver.symptom is not None else 1.0
    doubt *= 0.7 if endpoint else 1.0
    doubt += LEAVING if fed.leaves else 0.0
    return round(max(0.05, min(0.97, 1 - doubt)), 2)


def _because(grown: Grown, heap: Heap) -> list[str]:
    retainer, snapshots = grown.retainer, len(heap.requests)
    gained = f"{count(gain(retainer.counts))} entries over {count(gain(heap.requests))} requests"
    facts = [
        trace_of(retainer, heap).told(holder_name(retainer)),
        f"it gained {gained}, and more in each of {snapshots} snapshots of the heap",
    ]
    if grown.part is not None:
        facts.append(f"that is {min(1.0, grown.part):.0%} of what the worker's memory gained")
    if grown.driver.symptom is not None:
        facts.append(f"{grown.driver.symptom.holder.name} gain as many")
    facts.append(f"{count(heap.objects)} objects were walked, {size(heap.bytes)} in all")
    return facts
