"""The record of a diagnosis, as a finding has it."""

from __future__ import annotations

import msgspec

from bugsly_server.model.diagnosis import (
    Cause,
    DiagnosedGrowth,
    DiagnosedHolder,
    Diagnosis,
    DiagnosisEvidence,
    EndpointAttribution,
    EndpointShare,
    SourceLocation,
)
from bugsly_server.store.records.heap_path import (
    HeapPathRecord,
    heap_path_from_record,
    heap_path_to_record,
)


class HolderRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A `DiagnosedHolder`."""

    name: str
    kind: str | None
    library: str | None
    entries: int
    entries_per_request: float
    bound_bytes: int | None
    symptom: str | None
    removes_entries: bool
    has_unique_keys: bool


class ShareRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An `EndpointShare`."""

    endpoint: str
    slope: float
    low: float
    high: float
    part: float
    together: tuple[str, ...]
    failing: bool
    working: bool


class DiagnosisRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A `Diagnosis`: its holder apart, all else at one level."""

    cause: Cause
    is_leak: bool
    bytes_per_request: float
    part: float
    bytes: int
    confidence: float
    reasons: tuple[str, ...]
    falsifiers: tuple[str, ...]
    worker_ids: tuple[int, ...]
    heap_path: HeapPathRecord | None
    holder: HolderRecord | None
    site: str | None
    file: str | None
    unread_module: str | None
    endpoint: str | None
    shares: tuple[ShareRecord, ...]
    known_leak: str | None


def diagnosis_to_record(diagnosis: Diagnosis) -> DiagnosisRecord:
    """Return the record of *diagnosis*."""
    growth, evidence, holder = diagnosis.growth, diagnosis.evidence, diagnosis.holder
    location, attribution = diagnosis.location, diagnosis.attribution
    heap_path = evidence.heap_path
    return DiagnosisRecord(
        cause=diagnosis.cause,
        is_leak=diagnosis.is_leak,
        bytes_per_request=growth.bytes_per_request,
        part=growth.part,
        bytes=growth.bytes,
        confidence=evidence.confidence,
        reasons=evidence.reasons,
        falsifiers=evidence.falsifiers,
        worker_ids=evidence.worker_ids,
        heap_path=None if heap_path is None else heap_path_to_record(heap_path),
        holder=None if holder is None else _holder_to_record(holder),
        site=location.site,
        file=location.file,
        unread_module=location.unread_module,
        endpoint=attribution.endpoint,
        shares=tuple(_share_to_record(one) for one in attribution.shares),
        known_leak=diagnosis.known_leak,
    )


def diagnosis_from_record(record: DiagnosisRecord) -> Diagnosis:
    """Return the diagnosis in *record*."""
    heap_path, holder = record.heap_path, record.holder
    return Diagnosis(
        cause=record.cause,
        is_leak=record.is_leak,
        growth=DiagnosedGrowth(
            bytes_per_request=record.bytes_per_request, part=record.part, bytes=record.bytes
        ),
        evidence=DiagnosisEvidence(
            confidence=record.confidence,
            reasons=record.reasons,
            falsifiers=record.falsifiers,
            worker_ids=record.worker_ids,
            heap_path=None if heap_path is None else heap_path_from_record(heap_path),
        ),
        holder=None if holder is None else _holder_from_record(holder),
        location=SourceLocation(
            site=record.site, file=record.file, unread_module=record.unread_module
        ),
        attribution=EndpointAttribution(
            endpoint=record.endpoint, shares=tuple(_share_from_record(one) for one in record.shares)
        ),
        known_leak=record.known_leak,
    )


def _holder_to_record(holder: DiagnosedHolder) -> HolderRecord:
    return HolderRecord(
        name=holder.name,
        kind=holder.kind,
        library=holder.library,
        entries=holder.entries,
        entries_per_request=holder.entries_per_request,
        bound_bytes=holder.bound_bytes,
        symptom=holder.symptom,
        removes_entries=holder.removes_entries,
        has_unique_keys=holder.has_unique_keys,
    )


def _holder_from_record(record: HolderRecord) -> DiagnosedHolder:
    return DiagnosedHolder(
        name=record.name,
        kind=record.kind,
        library=record.library,
        entries=record.entries,
        entries_per_request=record.entries_per_request,
        bound_bytes=record.bound_bytes,
        symptom=record.symptom,
        removes_entries=record.removes_entries,
        has_unique_keys=record.has_unique_keys,
    )


def _share_to_record(share: EndpointShare) -> ShareRecord:
    return ShareRecord(
        endpoint=share.endpoint,
        slope=share.slope,
        low=share.low,
        high=share.high,
        part=share.part,
        together=share.together,
        failing=share.failing,
        working=share.working,
    )


def _share_from_record(record: ShareRecord) -> EndpointShare:
    return EndpointShare(
        endpoint=record.endpoint,
        slope=record.slope,
        low=record.low,
        high=record.high,
        part=record.part,
        together=record.together,
        failing=record.failing,
        working=record.working,
    )
