"""What is made of a model's answer: validated, its citations checked, its text plain."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

import msgspec

from bugsly_server.explain.assisted.question import Question
from bugsly_server.explain.errors.scene import NOT_SHOWN, quoted
from bugsly_server.model.error_explanation import ErrorExplanation, FrameRef, Source

UNVERIFIED = 0.3
"""The most that is believed of an answer which cites what is not there, or nothing."""
LONGEST = 2_000
Text = Annotated[str, msgspec.Meta(max_length=LONGEST)]
Index = Annotated[int, msgspec.Meta(ge=0)]


class Cited(msgspec.Struct, frozen=True):
    """A frame, and what the model sees there."""

    exception: Index
    frame: Index
    shows: Text = ""


class Answer(msgspec.Struct, frozen=True):
    """The JSON that a model is asked for."""

    summary: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST)]
    cause: Text
    evidence: Annotated[tuple[Cited, ...], msgspec.Meta(max_length=20)]
    fix: Annotated[tuple[Text, ...], msgspec.Meta(max_length=20)]
    confidence: Annotated[float, msgspec.Meta(ge=0, le=1)]
    patch: Annotated[str, msgspec.Meta(max_length=8_000)] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What is shown: the model's answer, or what the rules say and why it is not the model's."""

    explanation: ErrorExplanation | None
    evidence: tuple[tuple[FrameRef, str], ...] = ()
    """Frames that exist, and what the model sees there."""
    steps: tuple[str, ...] = ()
    """What to change, step by step."""
    verified: bool = False
    """Whether all that it cites exists, and it cites something."""
    problem: str = ""
    """Why the model did not speak; empty where it did."""


def read(text: str) -> Answer:
    """Return the answer in *text*; raise `msgspec.DecodeError` with what is wrong with it."""
    first, last = text.find("{"), text.rfind("}")
    return msgspec.json.decode(text[max(first, 0) : last + 1], type=Answer)


def judge(answer: Answer, question: Question) -> Advice:
    """Return *answer* as it may be shown."""
    cited = [(question.places.get((one.exception, one.frame)), one) for one in answer.evidence]
    evidence = tuple((place, plain(one.shows)) for place, one in cited if place is not None)
    steps = tuple(plain(step) for step in answer.fix)
    verified = bool(cited) and len(evidence) == len(cited)
    summary = plain(answer.summary)
    return Advice(
        explanation=ErrorExplanation(
            title=quoted(summary),
            what=summary,
            why=plain(answer.cause),
            fix=" ".join(f"{number}. {step}" for number, step in enumerate(steps, 1)),
            unless="the lines it cites do not show it: a model may be wrong, look at them first.",
            confidence=answer.confidence if verified else min(answer.confidence, UNVERIFIED),
            where=tuple(place for place, _ in evidence),
            diff=_patch(answer.patch),
            source=Source.MODEL,
        ),
        evidence=evidence,
        steps=steps,
        verified=verified,
    )


def plain(text: str) -> str:
    """Return *text* on one line, without links, images, tags and addresses."""
    text = re.sub(r"!?\[([^\]\n]{0,200})\]\s?(?:\([^)\n]*\)|\[[^\]\n]*\])", r"\1", text)
    text = re.sub(r"<[/!?a-zA-Z][^<>\n]{0,500}>", "", text)
    text = re.sub(r"(?i)\b(?:[a-z][a-z0-9+.-]*://|www\.|data:|javascript:)\S+", "…", text)
    return NOT_SHOWN.sub(" ", text).strip()


def _patch(text: str) -> str:
    """Return *text* if it is a unified diff, without the fence that models put around it."""
    body = re.sub(r"\A\s*```\w*\n|\n?```\s*\Z", "", text).strip("\n")
    is_diff = re.search(r"^@@ .*@@", body, re.MULTILINE) is not None
    lines = [NOT_SHOWN.sub(lambda found: " " * len(found[0]), line) for line in body.split("\n")]
    return "\n".join(lines) if is_diff else ""
