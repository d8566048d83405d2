"""Makes findings of diagnoses: with the growth they explain, or with evidence alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bugsly_server.clock import Micros
from bugsly_server.detect.growth_detection import as_suspect
from bugsly_server.fingerprint.leak import leak_fingerprint
from bugsly_server.model.diagnosis import Diagnosis
from bugsly_server.model.explanation import Explanation
from bugsly_server.model.growth import GrowthAxis, GrowthTrend
from bugsly_server.model.issue import Finding, FindingScope
from bugsly_server.model.worker import Worker


def finding_with_cause(
    base: Finding, diagnosis: Diagnosis, explanation: Explanation, environment: str
) -> Finding:
    """Return *base*, a finding in *environment*, as the finding of *diagnosis*."""
    return replace(
        base,
        fingerprint=leak_fingerprint(diagnosis, environment),
        environment=environment,
        title=explanation.title,
        because=diagnosis.evidence.reasons[0],
        diagnosis=diagnosis,
        explanation=explanation,
    )


def finding_from_evidence(diagnosis: Diagnosis, workers: Sequence[Worker], now: Micros) -> Finding:
    """Return a finding that rests on evidence alone: the memory of *workers* does not show it yet.

    Its fingerprint and its texts are empty.
    """
    growth = _growth_from_evidence(diagnosis)
    worker_ids = diagnosis.evidence.worker_ids
    concerned = [one for one in workers if one.id in worker_ids and one.is_alive(now)]
    living = sum(one.is_alive(now) for one in workers)
    scope = FindingScope.ONE if len(concerned) == 1 and living > 1 else FindingScope.SOME
    return Finding(
        fingerprint="",
        title="",
        scope=FindingScope.ALL if concerned and len(concerned) == living else scope,
        because="",
        suspects=tuple(as_suspect(one, now, growth) for one in concerned),
        slope=growth.slope,
        axis=growth.axis,
        peers=0,
        peer_slope=0.0,
        forecast=None,
        release=max(concerned, key=lambda worker: worker.started_at).release if concerned else "",
    )


def _growth_from_evidence(diagnosis: Diagnosis) -> GrowthTrend:
    """Return the growth that a holder amounts to; a total of 0 says that memory shows none."""
    return GrowthTrend(
        axis=GrowthAxis.REQUESTS,
        slope=diagnosis.growth.bytes_per_request,
        low=0.0,
        high=0.0,
        z=0.0,
        rises=0.0,
        last=0.0,
        total=0,
        span=0.0,
    )
