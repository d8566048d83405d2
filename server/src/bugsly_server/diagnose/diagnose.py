"""From a dossier to its diagnoses, the one that accounts for most first."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from bugsly_server.diagnose.causes import cause_of
from bugsly_server.diagnose.echoes import are_alike, with_remainder, without_echoes
from bugsly_server.diagnose.feeds import Feed
from bugsly_server.diagnose.gauges import with_gauges
from bugsly_server.diagnose.heap import Walked, confirmed, of_heap, walked, with_held
from bugsly_server.diagnose.homes import Told, tell
from bugsly_server.diagnose.known import recognise
from bugsly_server.diagnose.live import moved
from bugsly_server.diagnose.orphans import with_orphans
from bugsly_server.diagnose.places import locate
from bugsly_server.diagnose.remainder import is_off, name_remainder
from bugsly_server.diagnose.responses import buffered
from bugsly_server.diagnose.retainers import GUESS, LEAVING
from bugsly_server.diagnose.shares import endpoint_of
from bugsly_server.diagnose.steady import Course
from bugsly_server.diagnose.tracks import COUNTED, Track, follow, is_keyed
from bugsly_server.model.diagnosis import Cause, Diagnosis
from bugsly_server.model.dossier import Dossier
from bugsly_server.model.units import count, size

WORTH_NAMING = 0.05
"""Of what all holders gained: less is not worth a line beside the rest."""
SLIGHT = 200.0
"""Bytes per request below which a library keeps too little for anybody to be called: it takes
five million requests to gain a gigabyte."""
PYTHON = "python "
"""Begins the name of the standard library, which keeps what the application asks it to."""
MUCH = 1_000.0
"""Bytes per request, from which on the memory of a worker says that it is no trifle."""
LEAST_WATCHED = 400
"""Requests after which a holder would have been seen."""


def diagnose(dossier: Dossier, growing: Collection[int]) -> tuple[Diagnosis, ...]:
    """Return why the workers of *dossier* grow; *growing* are those whose memory surely does.

    A holder that gains entries with every request is named before memory shows it. What stops by
    itself is named too, and is no leak. Without evidence there is no diagnosis but `unknown`, and
    none at all where nothing grows.
    """
    dossier = with_gauges(dossier)
    told = {name: tell(one, dossier.sources) for name, one in dossier.holders.items()}
    readings = {name: one for name, one in told.items() if one is not None}
    bounds = {name: told.reading.bound for name, told in readings.items()}
    tracks = follow(dossier, {name: one for name, one in bounds.items() if one is not None})
    steady = [track for track in tracks if track.course is Course.STEADY and track.each > 0]
    bounded = [track for track in tracks if track.course in {Course.BOUNDED, Course.FILLING}]
    gained = _gained(dossier, growing)
    tracked = [_of_track(track, steady, readings, dossier, gained) for track in steady]
    walk = walked(dossier, growing)
    held = of_heap(walk, dossier, growing, tracks) if walk is not None else []
    groups = without_echoes([recognise(one, dossier) for one in [*tracked, *held]])
    much = _grow_much(dossier, growing)
    named = groups if much else [_without_trifles(one) for one in groups]
    if walk is not None:
        named = [with_orphans(confirmed(one, walk), walk, dossier.sources) for one in named]
    hints = [track for track in tracks if track.is_hint and not track.holder.library]
    named += [
        replace(_of_track(one, steady, readings, dossier, gained), confidence=GUESS)
        for one in hints
    ]
    stops = [_stopping(track, gained) for track in bounded if _is_heavy(track, gained)]
    sure = [one for one in named if one.confidence > GUESS]
    explained = min(1.0, sum(one.part for one in [*sure, *stops]))
    rest = _rest(dossier, growing, explained, walk, stops=bool(stops))
    if rest is not None:
        named = with_remainder(named, recognise(rest, dossier))
    return (*named, *stops, *buffered(dossier))


def _rest(
    dossier: Dossier,
    growing: Collection[int],
    explained: float,
    walk: Walked | None,
    *,
    stops: bool,
) -> Diagnosis | None:
    """Return the diagnosis of what holders leave unexplained, None where they may not.

    What still fills may weigh more than it seems to, and then nothing leaks below Python.
    """
    rest = name_remainder(dossier, list(growing), explained, watched=_watched(dossier))
    if rest is None or (rest.cause is Cause.NATIVE and stops):
        return None
    if walk is None:
        return rest
    return with_orphans(with_held(rest, walk, dossier, growing), walk, dossier.sources)


def _without_trifles(one: Diagnosis) -> Diagnosis:
    """Return *one*, no longer called a leak where it is slight, a library's, and nobody's issue."""
    slight = 0 < one.bytes_per_request < SLIGHT and not one.known
    theirs = bool(one.library) and not one.library.startswith(PYTHON)
    return replace(one, is_leak=False) if slight and theirs else one


def _grow_much(dossier: Dossier, growing: Collection[int]) -> bool:
    """Return whether memory says that something weighs more than a trifle."""
    gains = [moved(life) for life in dossier.lives if life.worker_id in growing]
    return any(gain.anonymous >= MUCH * gain.requests for gain in gains if gain is not None)


def _of_track(
    track: Track,
    steady: Sequence[Track],
    readings: Mapping[str, Told],
    dossier: Dossier,
    gained: Mapping[int, int],
) -> Diagnosis:
    holder = track.holder
    endpoint = endpoint_of(track.shares) or holder.endpoint
    told = readings.get(holder.name)
    feed, fed_in = (told and told.fed_by(endpoint)) or (None, holder.file)
    others = [one.holder for one in steady if one is not track and _go_together(one, track)]
    cause = cause_of(holder, feed, others, collected=not is_off(dossier))
    fed = replace(holder, file=fed_in)
    site, file = locate(fed, feed, cause, endpoint, dossier.sources)
    return Diagnosis(
        cause=cause,
        is_leak=True,
        holder=holder.name,
        site=site,
        file=file,
        endpoint=endpoint,
        shares=track.shares,
        bytes_per_request=track.each * holder.entry_bytes,
        entries_per_request=track.each,
        part=_part(track, gained),
        bytes=track.largest * holder.entry_bytes,
        bound_bytes=None,
        confidence=_confidence(track, told, endpoint),
        because=tuple(_because(track, feed, others, endpoint)),
        unless=tuple(_unless(track)),
        workers=track.growing,
        library=holder.library,
        entries=track.largest,
        kind=holder.kind,
        leaves=told is not None and told.reading.removes,
        unread=told.missing if told is not None else "",
        keyed=is_keyed(holder),
    )


def _because(track: Track, feed: Feed | None, others: Sequence[object], endpoint: str) -> list[str]:
    holder = track.holder
    served = sum(run.requests for run in track.runs.values())
    of = f" of {endpoint}" if endpoint else ""
    gained = f"gained {count(track.entries)} entries over {count(served)} requests{of}"
    pace = f"{_each(track.each)} each, as fast at the end as at the beginning"
    facts = [f"{holder.name} {gained}: {pace}"]
    if holder.kind not in COUNTED:
        facts.append("nothing bounds it")
    if holder.entry_bytes:
        entry = f" ({holder.entry})" if holder.entry else ""
        facts.append(f"one of its newest entries{entry} weighs about {size(holder.entry_bytes)}")
    if holder.removed:
        facts.append(f"{count(holder.removed)} entries were seen to leave")
    if feed is not None:
        where = f", in {feed.function}()" if feed.function else ""
        facts.append(f"line {feed.line} of its module adds to it{where}")
    facts += [f"{name}: {count(number)}" for name, number in holder.details.items()]
    if others:
        facts.append(f"{len(others)} more grow with the same requests")
    return facts


def _unless(track: Track) -> list[str]:
    unless = ["its number of entries stops growing while requests go on"]
    if track.shares and track.shares[0].together:
        unless.append(
            f"requests of {track.shares[0].endpoint} and {', '.join(track.shares[0].together)}"
            " come apart, and it follows the others"
        )
    if track.holder.library:
        unless.append(f"{track.holder.library} drops entries by itself, later than was watched")
    return unless


def _each(each: float) -> str:
    return f"{each:.2f}".rstrip("0").rstrip(".") if each >= 0.1 else f"{each:.3g}"


def _stopping(track: Track, gained: Mapping[int, int]) -> Diagnosis:
    """Return the diagnosis of a holder that fills up to a bound, or gains ever less."""
    holder = track.holder
    bound = holder.bound if track.course is Course.BOUNDED else None
    now = f"{holder.name} holds {count(track.largest)}"
    until = (
        f"{now} of at most {count(bound)} entries" if bound else f"{now} entries, and slows down"
    )
    return Diagnosis(
        cause=Cause.BOUNDED,
        is_leak=False,
        holder=holder.name,
        site=holder.site,
        file=holder.file,
        endpoint=endpoint_of(track.shares),
        shares=track.shares,
        bytes_per_request=track.each * holder.entry_bytes,
        entries_per_request=track.each,
        part=_part(track, gained),
        bytes=track.largest * holder.entry_bytes,
        bound_bytes=bound * holder.entry_bytes if bound is not None else None,
        confidence=0.9 if bound is not None else 0.7,
        because=(until,),
        unless=("it goes on growing beyond that",),
        workers=tuple(track.runs),
        library=holder.library,
        entries=track.largest,
    )


def _gained(dossier: Dossier, growing: Collection[int]) -> dict[int, int]:
    """Return the bytes that each worker gained after its warm-up, of those that surely grow."""
    found = {}
    for life in dossier.lives:
        gain = moved(life) if life.worker_id in growing else None
        if gain is not None:
            found[life.worker_id] = max(1, gain.anonymous)
    return found


def _part(track: Track, gained: Mapping[int, int]) -> float:
    """Return the part of the growth that *track* accounts for; all of it where none is sure."""
    own = sum(amount for worker, amount in track.gained.items() if worker in gained)
    whole = sum(gained.values())
    return min(1.0, own / whole) if whole else 1.0


def _is_heavy(track: Track, gained: Mapping[int, int]) -> bool:
    return bool(gained) and _part(track, gained) >= WORTH_NAMING


def _go_together(left: Track, right: Track) -> bool:
    """Return whether two holders gain with the same requests, at about the same rate."""
    same = endpoint_of(left.shares) == endpoint_of(right.shares)
    return same and are_alike(left.each, right.each)


def _confidence(track: Track, told: Told | None, endpoint: str) -> float:
    """Return how sure it is, from how much was seen and from how many facts agree."""
    fed = told is not None and bool(told.reading.feeds)
    doubt = 0.5 / math.sqrt(max(1.0, track.entries / 40))
    doubt *= 0.6 if fed or track.holder.site else 1.0
    doubt *= 0.7 if endpoint else 1.0
    doubt += LEAVING if told is not None and told.reading.removes else 0.0
    doubt += 0.1 if track.holder.library else 0.0
    return round(max(0.05, min(0.99, 1 - doubt)), 2)


def _watched(dossier: Dossier) -> bool:
    """Return whether enough was served for a holder to have shown itself."""
    return any(life.steps and life.steps[-1].requests >= LEAST_WATCHED for life in dossier.lives)
