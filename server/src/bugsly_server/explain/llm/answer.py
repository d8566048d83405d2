"""Validates a model's answer, checks the frames it cites and makes its text plain."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Annotated

import msgspec

from bugsly_server.explain.errors.raised_exception import UNPRINTABLE, quoted
from bugsly_server.explain.llm.question import LlmQuestion
from bugsly_server.model.error_explanation import ErrorExplanation, ExplanationSource, FrameRef

MAX_UNVERIFIED_CONFIDENCE = 0.3
"""Limits the confidence of an answer that cites nothing, or a frame that does not exist."""
MAX_VERIFIED_CONFIDENCE = 0.6
"""Limits that of any other one: that a frame exists does not prove what is said of it."""
MAX_TEXT_LENGTH = 2_000
BoundedText = Annotated[str, msgspec.Meta(max_length=MAX_TEXT_LENGTH)]
NonNegativeInt = Annotated[int, msgspec.Meta(ge=0)]


class CitedFrame(msgspec.Struct, frozen=True):
    """A frame that the model cites, and what it sees there."""

    exception: NonNegativeInt
    frame: NonNegativeInt
    shows: BoundedText = ""


class LlmResponse(msgspec.Struct, frozen=True):
    """The JSON object that a model is asked for."""

    summary: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_TEXT_LENGTH)]
    cause: BoundedText
    evidence: Annotated[tuple[CitedFrame, ...], msgspec.Meta(max_length=20)]
    fix: Annotated[tuple[BoundedText, ...], msgspec.Meta(max_length=20)]
    confidence: Annotated[float, msgspec.Meta(ge=0, le=1)]
    patch: Annotated[str, msgspec.Meta(max_length=8_000)] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmAnswer:
    """What is shown: the model's answer, or that of the rules and why the model gave none."""

    explanation: ErrorExplanation | None
    evidence: tuple[tuple[FrameRef, str], ...] = ()
    """Cited frames that exist, each with what the model sees there."""
    steps: tuple[str, ...] = ()
    """What to change, step by step."""
    verified: bool = False
    """Whether it cites at least one frame, and every frame it cites exists."""
    problem: str = ""
    """Why there is no answer of the model; empty if there is one."""


def parse_response(text: str) -> LlmResponse:
    """Return the answer in *text*; raise `msgspec.DecodeError` with what is wrong with it."""
    first, last = text.find("{"), text.rfind("}")
    return msgspec.json.decode(text[max(first, 0) : last + 1], type=LlmResponse)


def verify_response(response: LlmResponse, question: LlmQuestion) -> LlmAnswer:
    """Return *response* as plain text, with the frames it cites checked against *question*."""
    cited = [
        (question.citable_frames.get((one.exception, one.frame)), one) for one in response.evidence
    ]
    evidence = tuple((place, plain_text(one.shows)) for place, one in cited if place is not None)
    steps = tuple(plain_text(step) for step in response.fix)
    summary = plain_text(response.summary)
    answer = LlmAnswer(
        explanation=ErrorExplanation(
            title=quoted(summary),
            what=summary,
            why=plain_text(response.cause),
            fix=" ".join(f"{number}. {step}" for number, step in enumerate(steps, 1)),
            unless="the lines it cites do not support it: a model can be wrong, so check them.",
            confidence=response.confidence,
            where=tuple(place for place, _ in evidence),
            diff=_plain_diff(response.patch),
            source=ExplanationSource.MODEL,
        ),
        evidence=evidence,
        steps=steps,
        verified=bool(cited) and len(evidence) == len(cited),
    )
    return limit_confidence(answer)


def limit_confidence(answer: LlmAnswer) -> LlmAnswer:
    """Return *answer* no surer than it may be: a model can lower its confidence, never raise it."""
    if answer.explanation is None:
        return answer
    limit = MAX_VERIFIED_CONFIDENCE if answer.verified else MAX_UNVERIFIED_CONFIDENCE
    confidence = min(answer.explanation.confidence, limit)
    return replace(answer, explanation=replace(answer.explanation, confidence=confidence))


def plain_text(text: str) -> str:
    """Return *text* on one line, without links, images, tags and URLs."""
    text = re.sub(r"!?\[([^\]\n]{0,200})\]\s?(?:\([^)\n]{0,600}\)|\[[^\]\n]{0,600}\])", r"\1", text)
    text = re.sub(r"<[/!?a-zA-Z][^<>\n]{0,500}>", "", text)
    text = re.sub(r"(?i)\b(?:[a-z][a-z0-9+.-]{0,60}://|www\.|data:|javascript:)\S+", "…", text)
    return UNPRINTABLE.sub(" ", text).strip()


def _plain_diff(text: str) -> str:
    """Return *text* without a code fence if it is a unified diff, else ''."""
    body = re.sub(r"\A\s*```\w*\n|\n?```\s*\Z", "", text).strip("\n")
    is_diff = re.search(r"^@@ .*@@", body, re.MULTILINE) is not None
    lines = [UNPRINTABLE.sub(lambda run: " " * len(run[0]), line) for line in body.split("\n")]
    return "\n".join(lines) if is_diff else ""
