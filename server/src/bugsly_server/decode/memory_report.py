"""Decodes the payload of a `memory` item; keeps the valid parts of one that is partly bad."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

import msgspec

from bugsly.protocol.evidence import Evidence, Holder, ProbeResult
from bugsly.protocol.memory import (
    VERSION,
    EndpointInFlight,
    Exit,
    MemoryReport,
    Sample,
    SampledTraffic,
    WorkerInfo,
)
from bugsly.protocol.safety_net import RecyclerReport
from bugsly_server.decode.evidence import INVALID_PROBE_RESULT, sanitize_evidence, sanitize_levels

MAX_TEXT_LENGTH = 200
MAX_MEASUREMENT = 1 << 50
"""Bytes or counts above this are no measurement."""
MAX_WORKER_AGE = 20 * 365 * 86_400_000_000
WORKER_ID = re.compile(r"[0-9a-f]{32}")
MAX_SAMPLES = 5_000
"""In one report; agents send a tenth of that at most."""
MAX_SALVAGED_ITEMS = 5_000
"""Of each list in a report that is partly bad."""
MAX_TRAFFIC = 1_000
"""Endpoints in one sample."""
MAX_LOSS_REASONS = 20
MAX_EXITS = 100
MAX_IN_FLIGHT = 20
INVALID_SAFETY_NET = "safety net that is not of its form"

DECODE_ERRORS = (ValueError, RecursionError, msgspec.MsgspecError)

_Kind = TypeVar("_Kind")


class UnreadableReport(ValueError):
    """Says why a payload is skipped; counted under its text."""


_strict_decoder = msgspec.json.Decoder(MemoryReport)


def decode_report(payload: bytes, skipped: Counter[str]) -> MemoryReport:
    """Return the report in *payload*; what is wrong inside it is left out and counted.

    Raises `UnreadableReport` where not even its worker can be read.
    """
    try:
        report = _strict_decoder.decode(payload)
    except DECODE_ERRORS:
        report = _salvage(payload, skipped)
    if report.version != VERSION:
        raise UnreadableReport(f"memory of a version other than {VERSION}")
    worker = _checked_worker(report.worker)
    samples = tuple(
        _bounded_sample(one, skipped)
        for one in _first_samples(report.samples, skipped)
        if _is_valid_sample(one, worker, skipped)
    )
    lost = {
        why[:MAX_TEXT_LENGTH]: n for why, n in list(report.lost.items())[:MAX_LOSS_REASONS] if n > 0
    }
    return replace(
        report,
        worker=worker,
        samples=samples,
        exits=_sanitize_exits(report.exits, skipped),
        lost={why: n for why, n in lost.items() if n <= MAX_MEASUREMENT},
        evidence=None if report.evidence is None else sanitize_evidence(report.evidence, skipped),
        net=None if report.net is None else _sanitize_net(report.net, skipped),
    )


def _first_samples(samples: tuple[Sample, ...], skipped: Counter[str]) -> tuple[Sample, ...]:
    if len(samples) > MAX_SAMPLES:
        skipped["sample beyond the 5,000 of a report"] += len(samples) - MAX_SAMPLES
    return samples[:MAX_SAMPLES]


def _salvage(payload: bytes, skipped: Counter[str]) -> MemoryReport:
    """Return *payload* decoded; Python's own reader takes NaN and the like."""
    try:
        raw = json.loads(payload)
        worker = _convert(raw["worker"], WorkerInfo)
        version = _convert(raw["version"], int)
        samples = list(raw.get("samples", ()))
        exits = list(raw.get("exits", ()))
    except (*DECODE_ERRORS, LookupError, TypeError, AttributeError):
        raise UnreadableReport("memory that is not valid JSON of its form") from None
    return MemoryReport(
        version=version,
        worker=worker,
        samples=tuple(_salvage_samples(_first_items(samples, skipped), skipped)),
        exits=tuple(_convert_each(exits, Exit, "exit that is not of its form", skipped)),
        evidence=_salvage_evidence(raw.get("evidence"), skipped),
        net=next(
            iter(
                _convert_each(
                    _optional(raw.get("net")), RecyclerReport, INVALID_SAFETY_NET, skipped
                )
            ),
            None,
        ),
    )


def _salvage_samples(raw: Iterable[object], skipped: Counter[str]) -> Iterator[Sample]:
    """Yield the valid samples in *raw*; one with invalid levels is kept without them."""
    for item in raw:
        try:
            yield _convert(item, Sample)
            continue
        except DECODE_ERRORS:
            without_levels = (
                {**item, "levels": ()} if isinstance(item, dict) and "levels" in item else item
            )
        good = _convert_each([without_levels], Sample, "sample that is not of its form", skipped)
        if good:
            skipped["level that is not of its form"] += 1
        yield from good


def _salvage_evidence(raw: object, skipped: Counter[str]) -> Evidence | None:
    if not isinstance(raw, dict):
        return None
    holders, answers, facts = (raw.get(name) for name in ("holders", "answers", "facts"))
    given = facts if isinstance(facts, dict) else {}
    integers = {name: amount for name, amount in given.items() if type(amount) is int}
    if len(integers) < len(given):
        skipped["fact that is not of its form"] += len(given) - len(integers)
    parting = _convert_each(
        _optional(raw.get("parting")), ProbeResult, INVALID_PROBE_RESULT, skipped
    )
    return Evidence(
        holders=tuple(
            _convert_each(
                _list_or_empty(holders), Holder, "holder that is not of its form", skipped
            )
        ),
        answers=tuple(
            _convert_each(_list_or_empty(answers), ProbeResult, INVALID_PROBE_RESULT, skipped)
        ),
        facts=integers,
        parting=next(iter(parting), None),
    )


def _optional(raw: object) -> list[object]:
    return [] if raw is None else [raw]


def _list_or_empty(raw: object) -> list[object]:
    return raw if isinstance(raw, list) else []


def _first_items(raw: Sequence[object], skipped: Counter[str]) -> Sequence[object]:
    """Return as many items of *raw* as are salvaged."""
    if len(raw) > MAX_SALVAGED_ITEMS:
        skipped["item beyond the 5,000 of a list"] += len(raw) - MAX_SALVAGED_ITEMS
    return raw[:MAX_SALVAGED_ITEMS]


def _convert_each(
    raw: Sequence[object], kind: type[_Kind], why: str, skipped: Counter[str]
) -> list[_Kind]:
    good = []
    for item in _first_items(raw, skipped):
        try:
            good.append(_convert(item, kind))
        except DECODE_ERRORS:
            skipped[why] += 1
    return good


def _convert(raw: object, kind: type[_Kind]) -> _Kind:
    """Return *raw* as a *kind*, by way of JSON, because only its decoder checks text."""
    return msgspec.json.decode(json.dumps(raw, allow_nan=False), type=kind)


def _checked_worker(worker: WorkerInfo) -> WorkerInfo:
    if not WORKER_ID.fullmatch(worker.id):
        raise UnreadableReport("memory of a worker whose id is not 32 hexadecimal digits")
    counts = (worker.pid, worker.parent, worker.number, worker.generation, worker.every)
    if not 0 <= worker.age <= MAX_WORKER_AGE or not _are_measurements(counts):
        raise UnreadableReport("memory of a worker whose numbers are out of range")
    names = (worker.host, worker.machine, worker.server, worker.release)
    if max(map(len, (*names, worker.environment, worker.python))) <= MAX_TEXT_LENGTH:
        return worker
    return replace(
        worker,
        host=worker.host[:MAX_TEXT_LENGTH],
        machine=worker.machine[:MAX_TEXT_LENGTH],
        server=worker.server[:MAX_TEXT_LENGTH],
        release=worker.release[:MAX_TEXT_LENGTH],
        environment=worker.environment[:MAX_TEXT_LENGTH],
        python=worker.python[:MAX_TEXT_LENGTH],
    )


def _is_valid_sample(sample: Sample, worker: WorkerInfo, skipped: Counter[str]) -> bool:
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
    served = [amount for one in sample.traffic for amount in _traffic_values(one)]
    in_flight = [amount for one in sample.under_way for amount in (one.requests, one.micros)]
    if (
        not _are_measurements((*amounts, *served, *in_flight))
        or not 1 <= sample.number <= MAX_MEASUREMENT
    ):
        skipped["sample with a number out of range"] += 1
        return False
    if not 0 <= sample.age <= worker.age:
        skipped["sample from outside its worker's life"] += 1
        return False
    return True


def _bounded_sample(sample: Sample, skipped: Counter[str]) -> Sample:
    levels = sanitize_levels(sample.levels, skipped)
    if len(sample.traffic) > MAX_TRAFFIC:
        skipped["endpoint beyond the 1,000 of a sample"] += len(sample.traffic) - MAX_TRAFFIC
    elif levels is sample.levels and not sample.under_way:
        return sample
    in_flight = tuple(map(_bounded_in_flight, sample.under_way[:MAX_IN_FLIGHT]))
    traffic = sample.traffic[:MAX_TRAFFIC]
    return replace(sample, levels=levels, under_way=in_flight, traffic=traffic)


def _bounded_in_flight(request: EndpointInFlight) -> EndpointInFlight:
    return replace(request, endpoint=request.endpoint[:MAX_TEXT_LENGTH])


def _traffic_values(traffic: SampledTraffic) -> tuple[int, ...]:
    failed = (traffic.client_errors, traffic.server_errors)
    return (
        traffic.requests,
        *failed,
        traffic.micros,
        traffic.sent,
        traffic.biggest,
        traffic.whole,
        traffic.streamed,
    )


def _sanitize_exits(exits: tuple[Exit, ...], skipped: Counter[str]) -> tuple[Exit, ...]:
    sound = [
        one
        if len(one.because) <= MAX_TEXT_LENGTH
        else replace(one, because=one.because[:MAX_TEXT_LENGTH])
        for one in exits
        if WORKER_ID.fullmatch(one.worker) and _are_measurements((one.signal, one.code))
    ]
    kept = tuple(sound[:MAX_EXITS])
    if len(kept) < len(exits):
        skipped["exit that is not of its form"] += len(exits) - len(kept)
    return kept


def _sanitize_net(net: RecyclerReport, skipped: Counter[str]) -> RecyclerReport | None:
    if not _are_measurements((net.at, net.recycled, net.recycled_today)):
        skipped[INVALID_SAFETY_NET] += 1
        return None
    return (
        net
        if len(net.because) <= MAX_TEXT_LENGTH
        else replace(net, because=net.because[:MAX_TEXT_LENGTH])
    )


def _are_measurements(amounts: tuple[int, ...]) -> bool:
    return min(amounts) >= 0 and max(amounts) <= MAX_MEASUREMENT
