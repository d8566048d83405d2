"""Reads the payload of a `memory` item, keeping what is good of one that is partly bad."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TypeVar

import msgspec

from bugsly.protocol.evidence import Answer, Evidence, Holder
from bugsly.protocol.memory import (
    VERSION,
    Exit,
    MemoryReport,
    Sample,
    Traffic,
    UnderWay,
    Worker,
)
from bugsly.protocol.net import Net
from bugsly_server.digest.evidence import BAD_ANSWER, sound_evidence, sound_levels

LONGEST = 200
LARGEST = 1 << 50
"""Bytes or counts beyond this are no measurement."""
LONGEST_LIFE = 20 * 365 * 86_400_000_000
ID = re.compile(r"[0-9a-f]{32}")
MOST_REASONS = 20
MOST_EXITS = 100
MOST_UNDER_WAY = 20
BAD_NET = "safety net that is not of its form"

UNREADABLE = (ValueError, RecursionError, msgspec.MsgspecError)

_Kind = TypeVar("_Kind")


class Unreadable(ValueError):
    """Says why a payload is skipped; counted under its text."""


_strict = msgspec.json.Decoder(MemoryReport)


def decode_report(payload: bytes, skipped: Counter[str]) -> MemoryReport:
    """Return the report in *payload*; what is wrong inside it is left out and counted.

    Raises `Unreadable` where not even its worker can be told.
    """
    try:
        report = _strict.decode(payload)
    except UNREADABLE:
        report = _salvage(payload, skipped)
    if report.version != VERSION:
        raise Unreadable(f"memory of a version other than {VERSION}")
    worker = _checked(report.worker)
    samples = tuple(
        _bounded(one, skipped) for one in report.samples if _is_sound(one, worker, skipped)
    )
    lost = {why[:LONGEST]: n for why, n in list(report.lost.items())[:MOST_REASONS] if n > 0}
    return replace(
        report,
        worker=worker,
        samples=samples,
        exits=_sound_exits(report.exits, skipped),
        lost={why: n for why, n in lost.items() if n <= LARGEST},
        evidence=None if report.evidence is None else sound_evidence(report.evidence, skipped),
        net=None if report.net is None else _sound_net(report.net, skipped),
    )


def _salvage(payload: bytes, skipped: Counter[str]) -> MemoryReport:
    """Return what is good of *payload*; Python's own reader takes NaN and the like."""
    try:
        loose = json.loads(payload)
        worker = _one(loose["worker"], Worker)
        version = _one(loose["version"], int)
        samples = list(loose.get("samples", ()))
        exits = list(loose.get("exits", ()))
    except (*UNREADABLE, LookupError, TypeError, AttributeError):
        raise Unreadable("memory that is not valid JSON of its form") from None
    return MemoryReport(
        version=version,
        worker=worker,
        samples=tuple(_samples(samples, skipped)),
        exits=tuple(_each(exits, Exit, "exit that is not of its form", skipped)),
        evidence=_evidence(loose.get("evidence"), skipped),
        net=next(iter(_each(_given(loose.get("net")), Net, BAD_NET, skipped)), None),
    )


def _samples(loose: Iterable[object], skipped: Counter[str]) -> Iterator[Sample]:
    """Yield the good ones of *loose*; one whose levels are at fault stays without them."""
    for one in loose:
        try:
            yield _one(one, Sample)
            continue
        except UNREADABLE:
            bare = {**one, "levels": ()} if isinstance(one, dict) and "levels" in one else one
        good = _each([bare], Sample, "sample that is not of its form", skipped)
        if good:
            skipped["level that is not of its form"] += 1
        yield from good


def _evidence(loose: object, skipped: Counter[str]) -> Evidence | None:
    if not isinstance(loose, dict):
        return None
    holders, answers, facts = (loose.get(name) for name in ("holders", "answers", "facts"))
    told = facts if isinstance(facts, dict) else {}
    whole = {name: amount for name, amount in told.items() if type(amount) is int}
    if len(whole) < len(told):
        skipped["fact that is not of its form"] += len(told) - len(whole)
    parting = _each(_given(loose.get("parting")), Answer, BAD_ANSWER, skipped)
    return Evidence(
        holders=tuple(_each(_list(holders), Holder, "holder that is not of its form", skipped)),
        answers=tuple(_each(_list(answers), Answer, BAD_ANSWER, skipped)),
        facts=whole,
        parting=next(iter(parting), None),
    )


def _given(loose: object) -> list[object]:
    return [] if loose is None else [loose]


def _list(loose: object) -> list[object]:
    return loose if isinstance(loose, list) else []


def _each(
    loose: Iterable[object], kind: type[_Kind], why: str, skipped: Counter[str]
) -> list[_Kind]:
    good = []
    for one in loose:
        try:
            good.append(_one(one, kind))
        except UNREADABLE:
            skipped[why] += 1
    return good


def _one(loose: object, kind: type[_Kind]) -> _Kind:
    """Return *loose* as a *kind*, by way of JSON again because that is where text is checked."""
    return msgspec.json.decode(json.dumps(loose, allow_nan=False), type=kind)


def _checked(worker: Worker) -> Worker:
    if not ID.fullmatch(worker.id):
        raise Unreadable("memory of a worker whose id is not 32 hexadecimal digits")
    counts = (worker.pid, worker.parent, worker.number, worker.generation, worker.every)
    if not 0 <= worker.age <= LONGEST_LIFE or not _are_measurements(counts):
        raise Unreadable("memory of a worker whose numbers are out of range")
    names = (worker.host, worker.machine, worker.server, worker.release)
    if max(map(len, (*names, worker.environment, worker.python))) <= LONGEST:
        return worker
    return replace(
        worker,
        host=worker.host[:LONGEST],
        machine=worker.machine[:LONGEST],
        server=worker.server[:LONGEST],
        release=worker.release[:LONGEST],
        environment=worker.environment[:LONGEST],
        python=worker.python[:LONGEST],
    )


def _is_sound(sample: Sample, worker: Worker, skipped: Counter[str]) -> bool:
    amounts = (
        sample.anonymous,
        sample.shared,
        sample.swapped,
        sample.peak,
        sample.proportional or 0,
        sample.descriptors,
        sample.threads,
        sample.requests,
        sample.in_flight,
        sample.used,
        sample.limit,
        sample.oom_kills,
        sample.in_use,
        sample.held,
        sample.blocks or 0,
    )
    served = [amount for one in sample.traffic for amount in _amounts(one)]
    under_way = [amount for one in sample.under_way for amount in (one.requests, one.micros)]
    if not _are_measurements((*amounts, *served, *under_way)) or not 1 <= sample.number <= LARGEST:
        skipped["sample with a number out of range"] += 1
        return False
    if not 0 <= sample.age <= worker.age:
        skipped["sample from outside its worker's life"] += 1
        return False
    return True


def _bounded(sample: Sample, skipped: Counter[str]) -> Sample:
    levels = sound_levels(sample.levels, skipped)
    if levels is sample.levels and not sample.under_way:
        return sample
    under_way = tuple(map(_under_way, sample.under_way[:MOST_UNDER_WAY]))
    return replace(sample, levels=levels, under_way=under_way)


def _under_way(one: UnderWay) -> UnderWay:
    return replace(one, endpoint=one.endpoint[:LONGEST])


def _amounts(one: Traffic) -> tuple[int, ...]:
    failed = (one.client_errors, one.server_errors)
    return (one.requests, *failed, one.micros, one.sent, one.biggest, one.whole, one.streamed)


def _sound_exits(exits: tuple[Exit, ...], skipped: Counter[str]) -> tuple[Exit, ...]:
    sound = [
        one if len(one.because) <= LONGEST else replace(one, because=one.because[:LONGEST])
        for one in exits
        if ID.fullmatch(one.worker) and _are_measurements((one.signal, one.code))
    ]
    kept = tuple(sound[:MOST_EXITS])
    if len(kept) < len(exits):
        skipped["exit that is not of its form"] += len(exits) - len(kept)
    return kept


def _sound_net(net: Net, skipped: Counter[str]) -> Net | None:
    if not _are_measurements((net.at, net.recycled, net.recycled_today)):
        skipped[BAD_NET] += 1
        return None
    return net if len(net.because) <= LONGEST else replace(net, because=net.because[:LONGEST])


def _are_measurements(amounts: tuple[int, ...]) -> bool:
    return min(amounts) >= 0 and max(amounts) <= LARGEST
