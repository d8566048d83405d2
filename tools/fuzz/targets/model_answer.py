"""Answers of a language model: refused, or plain text with no more confidence than they earned."""

from __future__ import annotations

import msgspec
from hypothesis import strategies as st

from bugsly_server.explain.llm.answer import (
    MAX_UNVERIFIED_CONFIDENCE,
    parse_response,
    verify_response,
)
from bugsly_server.explain.llm.question import LlmQuestion
from bugsly_server.model.error_explanation import FrameRef
from tools.fuzz.almost_valid import TEXTS, encoded, json_objects
from tools.fuzz.laws import assert_one_line

QUESTION = LlmQuestion("data", {(0, 0): FrameRef(exception=0, frame=0, line="shop.py:1")}, None)
MARKUP = TEXTS | st.sampled_from(
    ["[a](http://b)", "<img src=x>", "![x][y]", "javascript:x", "[a](b", "@@ -1 +1 @@\n-a\n+b"]
)
INPUTS = encoded(
    json_objects(
        {
            "summary": MARKUP,
            "cause": MARKUP,
            "evidence": st.lists(
                json_objects(
                    {"exception": st.just(0), "frame": st.integers(0, 1)}, {"shows": MARKUP}
                ),
                max_size=3,
            ),
            "fix": st.lists(MARKUP, max_size=3),
            "confidence": st.floats(0, 1),
        },
        {"patch": MARKUP},
    )
)


def check(data: bytes) -> None:
    """Read an answer, and check what it cites."""
    try:
        response = parse_response(data.decode("utf-8", "replace"))
    except msgspec.DecodeError:
        return
    answer = verify_response(response, QUESTION)
    assert answer.explanation is not None
    assert 0 <= answer.explanation.confidence <= 1
    if not answer.verified:
        assert answer.explanation.confidence <= MAX_UNVERIFIED_CONFIDENCE
    plain = answer.explanation
    for text in (plain.title, plain.what, plain.why, plain.fix, *answer.steps):
        assert_one_line(text, 100_000)
