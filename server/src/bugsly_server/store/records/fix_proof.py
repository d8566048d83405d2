"""The record of a proof that a leak was fixed, version 1."""

from __future__ import annotations

import msgspec

from bugsly_server.clock import Micros
from bugsly_server.model.fix_proof import FixOutcome, FixProof, GrowthRate
from bugsly_server.store.records.record_json import decode_record, encode_record

VERSION = 1


class GrowthRateRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A `GrowthRate`."""

    release: str
    since: Micros
    lives: int
    requests: int
    slope: float
    low: float
    high: float


class ProofRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A `FixProof`."""

    version: int = VERSION
    outcome: FixOutcome
    because: str
    before: GrowthRateRecord
    after: GrowthRateRecord
    per: str


_DECODER = msgspec.json.Decoder(ProofRecord)


def proof_to_json(proof: FixProof) -> str:
    """Return *proof* as it is stored."""
    return encode_record(proof_to_record(proof))


def proof_from_json(text: str) -> FixProof:
    """Return the stored proof; raise `UnreadableRecord` where *text* is of another version."""
    return proof_from_record(decode_record(text, _DECODER, name="proof", version=VERSION))


def proof_to_record(proof: FixProof) -> ProofRecord:
    """Return the record of *proof*."""
    return ProofRecord(
        outcome=proof.outcome,
        because=proof.because,
        before=_rate_to_record(proof.before),
        after=_rate_to_record(proof.after),
        per=proof.per,
    )


def proof_from_record(record: ProofRecord) -> FixProof:
    """Return the proof in *record*."""
    return FixProof(
        outcome=record.outcome,
        because=record.because,
        before=_rate_from_record(record.before),
        after=_rate_from_record(record.after),
        per=record.per,
    )


def _rate_to_record(rate: GrowthRate) -> GrowthRateRecord:
    return GrowthRateRecord(
        release=rate.release,
        since=rate.since,
        lives=rate.workers,
        requests=rate.requests,
        slope=rate.slope,
        low=rate.low,
        high=rate.high,
    )


def _rate_from_record(record: GrowthRateRecord) -> GrowthRate:
    return GrowthRate(
        release=record.release,
        since=record.since,
        workers=record.lives,
        requests=record.requests,
        slope=record.slope,
        low=record.low,
        high=record.high,
    )
