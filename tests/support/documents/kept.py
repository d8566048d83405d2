"""JSON that is kept in columns of the database, and has to be read by every later server."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from tests.support.lives import growth
from tests.support.proofs import proof
from tests.support.recycled import net
from tests.support.values import holder
from tests.support.walks import heap, orphans, retainer
from tests.support.whole import bare_finding, unsure_finding, whole_finding

from bugsly.protocol.evidence import Answer, Ask, Trim, Window
from bugsly.protocol.net import Hindrance
from bugsly_server.explain.assisted.answer import Advice
from bugsly_server.model.error_explanation import ErrorExplanation, FrameRef
from bugsly_server.model.growth import Judgement, Verdict


def documents(_folder: Path) -> Iterator[tuple[str, Any]]:
    """Yield an example with everything of each, and one without where that differs."""
    for name, value in _kept():
        yield f"kept, {name}", json.loads(msgspec.json.encode(value))


def _kept() -> Iterator[tuple[str, object]]:
    yield from (("finding", one) for one in (whole_finding(), unsure_finding(), bare_finding()))
    yield "proof", proof()
    yield "judgement", Judgement(verdict=Verdict.EARLY, because="too early")
    yield "judgement", Judgement(verdict=Verdict.GROWING, because="it does", growth=growth())
    yield from (("net", one) for one in (net(), net(hindrance=Hindrance.FRESH)))
    yield from (("holder", one) for one in (holder(), holder(bound=9, details={"hits": 1})))
    yield "ask", Ask(id=0, probe="source", files=("shop.views",))
    yield "answer", Answer(ask=1, heap=heap(retainer(), orphans()))
    yield "answer", Answer(ask=2, trim=Trim(before=2, after=1))
    yield "answer", Answer(ask=3, window=Window(method="memray", requests=9, seconds=1.0, grown=1))
    where = FrameRef(exception=0, frame=0, line="shop/views.py:12")
    told: dict[str, Any] = {"title": "t", "what": "w", "why": "y", "fix": "f", "unless": "u"}
    explanation = ErrorExplanation(**told, confidence=0.5, where=(where,))
    evidence = ((where, "it is None"),)
    yield "advice", Advice(explanation=explanation, evidence=evidence, steps=("fix it",))
    yield "advice", Advice(explanation=None)
