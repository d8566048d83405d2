"""JSON that is kept in columns of the database, and has to be read by every later server."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from tests.support.complete_values import bare_finding, unsure_finding, whole_finding
from tests.support.heap_snapshots import heap_holder, heap_snapshot, unreachable_objects
from tests.support.protocol_values import holder
from tests.support.recycling_values import safety_net
from tests.support.release_comparison import proof
from tests.support.stored_workers import growth

from bugsly.protocol.evidence import AllocationWindow, ProbeRequest, ProbeResult, TrimResult
from bugsly.protocol.safety_net import Hindrance
from bugsly_server.explain.llm.answer import LlmAnswer
from bugsly_server.model.error_explanation import ErrorExplanation, FrameRef
from bugsly_server.model.growth import GrowthJudgement, GrowthVerdict
from bugsly_server.store.records.finding import finding_to_json
from bugsly_server.store.records.fix_proof import proof_to_json
from bugsly_server.store.records.growth_judgement import judgement_to_json


def documents(_folder: Path) -> Iterator[tuple[str, Any]]:
    """Yield an example with everything of each, and one without where that differs."""
    for name, value in _stored_values():
        yield f"kept, {name}", json.loads(msgspec.json.encode(value))
    for name, text in _stored_records():
        yield f"kept, {name}", json.loads(text)


def _stored_records() -> Iterator[tuple[str, str]]:
    findings = (whole_finding(), unsure_finding(), bare_finding())
    yield from (("finding", finding_to_json(one)) for one in findings)
    yield "proof", proof_to_json(proof())
    early = GrowthJudgement(verdict=GrowthVerdict.EARLY, because="too early")
    yield "judgement", judgement_to_json(early)
    growing = GrowthJudgement(verdict=GrowthVerdict.GROWING, because="it does", growth=growth())
    yield "judgement", judgement_to_json(growing)


def _stored_values() -> Iterator[tuple[str, object]]:
    yield from (("net", one) for one in (safety_net(), safety_net(hindrance=Hindrance.FRESH)))
    yield from (("holder", one) for one in (holder(), holder(bound=9, details={"hits": 1})))
    yield "ask", ProbeRequest(id=0, probe="source", files=("shop.views",))
    yield "answer", ProbeResult(ask=1, heap=heap_snapshot(heap_holder(), unreachable_objects()))
    yield "answer", ProbeResult(ask=2, trim=TrimResult(before=2, after=1))
    yield (
        "answer",
        ProbeResult(
            ask=3, window=AllocationWindow(method="memray", requests=9, seconds=1.0, grown=1)
        ),
    )
    where = FrameRef(exception=0, frame=0, line="shop/views.py:12")
    texts: dict[str, Any] = {"title": "t", "what": "w", "why": "y", "fix": "f", "unless": "u"}
    explanation = ErrorExplanation(**texts, confidence=0.5, where=(where,))
    evidence = ((where, "it is None"),)
    yield "advice", LlmAnswer(explanation=explanation, evidence=evidence, steps=("fix it",))
    yield "advice", LlmAnswer(explanation=None)
