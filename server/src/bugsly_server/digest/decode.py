"""Reads the payload of a `memory` item, keeping what is good of one that is partly bad."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import TypeVar

import msgspec

from bugsly.protocol.memory import VERSION, Exit, MemoryReport, Sample, Worker

LONGEST = 200
LARGEST = 1 << 50
"""Bytes or counts beyond this are no measurement."""
LONGEST_LIFE = 20 * 365 * 86_400_000_000
ID = re.compile(r"[0-9a-f]{32}")
MOST_REASONS = 20


_Kind = TypeVar("_Kind")


class Unreadable(ValueError):
    """Says why a payload is skipped; counted under its text."""


class _Loose(msgspec.Struct):
    """A report whose samples are looked at one by one."""

    version: int
    worker: Worker
    samples: list[msgspec.Raw] = []
    exits: list[msgspec.Raw] = []
    lost: dict[str, int] = {}


_strict = msgspec.json.Decoder(MemoryReport)
_loose = msgspec.json.Decoder(_Loose)


def decode_report(payload: bytes, skipped: Counter[str]) -> MemoryReport:
    """Return the report in *payload*; what is wrong inside it is left out and counted.

    Raises `Unreadable` where not even its worker can be told.
    """
    try:
        report = _strict.decode(payload)
    except (msgspec.DecodeError, RecursionError):
        report = _salvage(payload, skipped)
    if report.version != VERSION:
        raise Unreadable(f"memory of version {str(report.version)[:20]}, we read {VERSION}")
    worker = _checked(report.worker)
    samples = tuple(one for one in report.samples if _is_sound(one, worker, skipped))
    exits = tuple(one for one in report.exits if ID.fullmatch(one.worker))
    lost = {str(why)[:LONGEST]: n for why, n in list(report.lost.items())[:MOST_REASONS] if n > 0}
    return replace(report, worker=worker, samples=samples, exits=exits, lost=lost)


def _salvage(payload: bytes, skipped: Counter[str]) -> MemoryReport:
    try:
        loose = _loose.decode(payload)
    except (msgspec.DecodeError, RecursionError):
        raise Unreadable("memory that is not valid JSON of its form") from None
    samples = _each(loose.samples, Sample, "sample that is not of its form", skipped)
    exits = _each(loose.exits, Exit, "exit that is not of its form", skipped)
    return MemoryReport(
        version=loose.version,
        worker=loose.worker,
        samples=tuple(samples),
        exits=tuple(exits),
        lost=loose.lost,
    )


def _each(
    raws: list[msgspec.Raw], kind: type[_Kind], why: str, skipped: Counter[str]
) -> list[_Kind]:
    good = []
    for raw in raws:
        try:
            good.append(msgspec.json.decode(raw, type=kind))
        except msgspec.DecodeError:
            skipped[why] += 1
    return good


def _checked(worker: Worker) -> Worker:
    if not ID.fullmatch(worker.id):
        raise Unreadable("memory of a worker whose id is not 32 hexadecimal digits")
    counts = (worker.pid, worker.parent, worker.number, worker.generation, worker.every)
    if not 0 <= worker.age <= LONGEST_LIFE or not all(0 <= one <= LARGEST for one in counts):
        raise Unreadable("memory of a worker whose numbers are out of range")
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
    )
    if not all(0 <= amount <= LARGEST for amount in amounts) or sample.number < 1:
        skipped["sample with a number out of range"] += 1
        return False
    if not 0 <= sample.age <= worker.age:
        skipped["sample from outside its worker's life"] += 1
        return False
    for traffic in sample.traffic:
        counts = (traffic.requests, traffic.client_errors, traffic.server_errors)
        sizes = (traffic.micros, traffic.sent, traffic.biggest)
        if not all(0 <= amount <= LARGEST for amount in (*counts, *sizes)):
            skipped["sample with a number out of range"] += 1
            return False
    return True
