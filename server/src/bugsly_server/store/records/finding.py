"""The record of a finding, version 2."""

from __future__ import annotations

import msgspec

from bugsly_server.clock import Micros
from bugsly_server.model.issue import Finding, FindingScope, MemoryForecast, SuspectWorker
from bugsly_server.model.recycling import RecyclingSummary
from bugsly_server.store.records.diagnosis import (
    DiagnosisRecord,
    diagnosis_from_record,
    diagnosis_to_record,
)
from bugsly_server.store.records.explanation import (
    ExplanationRecord,
    explanation_from_record,
    explanation_to_record,
)
from bugsly_server.store.records.record_json import decode_record, encode_record

VERSION = 2


class ForecastRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A `MemoryForecast`."""

    expected: float
    soonest: float
    latest: float | None
    limit: int


class SuspectRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A `SuspectWorker`."""

    worker_id: int
    host: str
    pid: int
    age: float
    anonymous: int
    slope: float
    low: float
    high: float
    axis: str
    total: int
    requests: int


class RecyclingRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A `RecyclingSummary`."""

    at: Micros
    times: int
    full_at: Micros | None
    what: str


class FindingRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A `Finding`."""

    version: int = VERSION
    fingerprint: str
    title: str
    scope: FindingScope
    reason: str
    suspects: tuple[SuspectRecord, ...]
    slope: float
    axis: str
    peers: int
    peer_slope: float
    forecast: ForecastRecord | None
    release: str
    environment: str
    diagnosis: DiagnosisRecord | None
    explanation: ExplanationRecord | None
    since: Micros
    recycling: RecyclingRecord | None


_DECODER = msgspec.json.Decoder(FindingRecord)


def finding_to_json(finding: Finding) -> str:
    """Return *finding* as it is stored."""
    return encode_record(finding_to_record(finding))


def finding_from_json(text: str) -> Finding:
    """Return the stored finding; raise `UnreadableRecord` where *text* is of another version."""
    return finding_from_record(decode_record(text, _DECODER, name="finding", version=VERSION))


def finding_to_record(finding: Finding) -> FindingRecord:
    """Return the record of *finding*."""
    diagnosis, explanation = finding.diagnosis, finding.explanation
    forecast, recycling = finding.forecast, finding.recycled
    return FindingRecord(
        fingerprint=finding.fingerprint,
        title=finding.title,
        scope=finding.scope,
        reason=finding.because,
        suspects=tuple(_suspect_to_record(one) for one in finding.suspects),
        slope=finding.slope,
        axis=finding.axis,
        peers=finding.peers,
        peer_slope=finding.peer_slope,
        forecast=None if forecast is None else _forecast_to_record(forecast),
        release=finding.release,
        environment=finding.environment,
        diagnosis=None if diagnosis is None else diagnosis_to_record(diagnosis),
        explanation=None if explanation is None else explanation_to_record(explanation),
        since=finding.since,
        recycling=None if recycling is None else _recycling_to_record(recycling),
    )


def finding_from_record(record: FindingRecord) -> Finding:
    """Return the finding in *record*."""
    diagnosis, explanation = record.diagnosis, record.explanation
    forecast, recycling = record.forecast, record.recycling
    return Finding(
        fingerprint=record.fingerprint,
        title=record.title,
        scope=record.scope,
        because=record.reason,
        suspects=tuple(_suspect_from_record(one) for one in record.suspects),
        slope=record.slope,
        axis=record.axis,
        peers=record.peers,
        peer_slope=record.peer_slope,
        forecast=None if forecast is None else _forecast_from_record(forecast),
        release=record.release,
        environment=record.environment,
        diagnosis=None if diagnosis is None else diagnosis_from_record(diagnosis),
        explanation=None if explanation is None else explanation_from_record(explanation),
        since=record.since,
        recycled=None if recycling is None else _recycling_from_record(recycling),
    )


def _forecast_to_record(forecast: MemoryForecast) -> ForecastRecord:
    return ForecastRecord(
        expected=forecast.expected,
        soonest=forecast.soonest,
        latest=forecast.latest,
        limit=forecast.limit,
    )


def _forecast_from_record(record: ForecastRecord) -> MemoryForecast:
    return MemoryForecast(
        expected=record.expected, soonest=record.soonest, latest=record.latest, limit=record.limit
    )


def _suspect_to_record(suspect: SuspectWorker) -> SuspectRecord:
    return SuspectRecord(
        worker_id=suspect.worker_id,
        host=suspect.host,
        pid=suspect.pid,
        age=suspect.age,
        anonymous=suspect.anonymous,
        slope=suspect.slope,
        low=suspect.low,
        high=suspect.high,
        axis=suspect.axis,
        total=suspect.total,
        requests=suspect.requests,
    )


def _suspect_from_record(record: SuspectRecord) -> SuspectWorker:
    return SuspectWorker(
        worker_id=record.worker_id,
        host=record.host,
        pid=record.pid,
        age=record.age,
        anonymous=record.anonymous,
        slope=record.slope,
        low=record.low,
        high=record.high,
        axis=record.axis,
        total=record.total,
        requests=record.requests,
    )


def _recycling_to_record(recycling: RecyclingSummary) -> RecyclingRecord:
    return RecyclingRecord(
        at=recycling.at, times=recycling.times, full_at=recycling.full_at, what=recycling.what
    )


def _recycling_from_record(record: RecyclingRecord) -> RecyclingSummary:
    return RecyclingSummary(
        at=record.at, times=record.times, full_at=record.full_at, what=record.what
    )
