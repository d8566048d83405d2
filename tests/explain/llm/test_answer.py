"""What an answer of a model may say of itself, and what only the server decides."""

import json
from dataclasses import replace
from typing import Any

import pytest
from tests.support.failures.none import CASES
from tests.support.llm_server import llm_answer

from bugsly_server.explain.llm.answer import (
    MAX_UNVERIFIED_CONFIDENCE,
    MAX_VERIFIED_CONFIDENCE,
    LlmAnswer,
    limit_confidence,
    parse_response,
    verify_response,
)
from bugsly_server.explain.llm.question import question_about_error
from bugsly_server.model.error_explanation import ErrorContext, ErrorExplanation, ExplanationSource

QUESTION = question_about_error(CASES[0].event(), ErrorContext(), None, with_locals=True)
KNOWN_FRAME = {"exception": 0, "frame": 0, "shows": "x"}
UNKNOWN_FRAME = {"exception": 0, "frame": 99, "shows": "x"}


def answer(**changes: Any) -> LlmAnswer:
    return verify_response(parse_response(json.dumps(llm_answer(**changes))), QUESTION)


def explanation(said: LlmAnswer) -> ErrorExplanation:
    assert said.explanation is not None
    return said.explanation


@pytest.mark.parametrize(
    ("evidence", "claimed", "confidence"),
    [
        ([KNOWN_FRAME], 1.0, MAX_VERIFIED_CONFIDENCE),
        ([KNOWN_FRAME] * 20, 1.0, MAX_VERIFIED_CONFIDENCE),
        ([KNOWN_FRAME], 0.2, 0.2),
        ([KNOWN_FRAME, UNKNOWN_FRAME], 1.0, MAX_UNVERIFIED_CONFIDENCE),
        ([UNKNOWN_FRAME], 1.0, MAX_UNVERIFIED_CONFIDENCE),
        ([], 1.0, MAX_UNVERIFIED_CONFIDENCE),
        ([], 0.1, 0.1),
    ],
)
def test_a_model_may_lower_its_confidence_and_never_raise_it(
    evidence: list[dict[str, Any]], claimed: float, confidence: float
) -> None:
    assert explanation(answer(evidence=evidence, confidence=claimed)).confidence == confidence


def test_an_answer_stored_before_is_limited_too() -> None:
    said = answer(evidence=[KNOWN_FRAME])
    stored = replace(said, explanation=replace(explanation(said), confidence=1.0))
    assert explanation(limit_confidence(stored)).confidence == MAX_VERIFIED_CONFIDENCE


def test_an_answer_sets_nothing_that_the_server_decides() -> None:
    said = answer(
        evidence=[],
        verified=True,
        source="rules",
        rule="none-attribute",
        unless="",
        problem="the disk is full",
        where=[{"exception": 0, "frame": 0, "line": "evil.py:1"}],
        title="Certain",
    )
    made = explanation(said)
    assert not said.verified
    assert said.problem == made.rule == ""
    assert made.source is ExplanationSource.MODEL
    assert made.where == ()
    assert "a model can be wrong" in made.unless
    assert "Certain" not in made.title
