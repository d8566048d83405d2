"""The record of a judgement on a worker's memory, version 1."""

from __future__ import annotations

import msgspec

from bugsly_server.model.growth import GrowthAxis, GrowthJudgement, GrowthTrend, GrowthVerdict
from bugsly_server.store.records.record_json import decode_record, encode_record

VERSION = 1


class TrendRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A `GrowthTrend`."""

    axis: GrowthAxis
    slope: float
    low: float
    high: float
    z: float
    rises: float
    last: float
    total: int
    span: float


class JudgementRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A `GrowthJudgement`."""

    version: int = VERSION
    verdict: GrowthVerdict
    because: str
    growth: TrendRecord | None = None


_DECODER = msgspec.json.Decoder(JudgementRecord)


def judgement_to_json(judgement: GrowthJudgement) -> str:
    """Return *judgement* as it is stored."""
    return encode_record(judgement_to_record(judgement))


def judgement_from_json(text: str) -> GrowthJudgement:
    """Return the stored judgement; raise `UnreadableRecord` where *text* is of another version."""
    return judgement_from_record(decode_record(text, _DECODER, name="judgement", version=VERSION))


def judgement_to_record(judgement: GrowthJudgement) -> JudgementRecord:
    """Return the record of *judgement*."""
    growth = judgement.growth
    return JudgementRecord(
        verdict=judgement.verdict,
        because=judgement.because,
        growth=None if growth is None else _trend_to_record(growth),
    )


def judgement_from_record(record: JudgementRecord) -> GrowthJudgement:
    """Return the judgement in *record*."""
    growth = record.growth
    return GrowthJudgement(
        verdict=record.verdict,
        because=record.because,
        growth=None if growth is None else _trend_from_record(growth),
    )


def _trend_to_record(trend: GrowthTrend) -> TrendRecord:
    return TrendRecord(
        axis=trend.axis,
        slope=trend.slope,
        low=trend.low,
        high=trend.high,
        z=trend.z,
        rises=trend.rises,
        last=trend.last,
        total=trend.total,
        span=trend.span,
    )


def _trend_from_record(record: TrendRecord) -> GrowthTrend:
    return GrowthTrend(
        axis=record.axis,
        slope=record.slope,
        low=record.low,
        high=record.high,
        z=record.z,
        rises=record.rises,
        last=record.last,
        total=record.total,
        span=record.span,
    )
