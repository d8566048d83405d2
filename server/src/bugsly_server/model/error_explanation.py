"""An error in words, and what the server knows apart from the event itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bugsly_server.model.diagnosis import Cause


class ExplanationSource(StrEnum):
    """Who wrote an explanation."""

    RULES = "rules"
    MODEL = "model"


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameRef:
    """One frame of an event, by its position there."""

    exception: int
    frame: int
    line: str
    """As `shop/views.py:12`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorExplanation:
    """What a person reads about an error. Text from the event in it is plain, on one line."""

    title: str
    """One line."""
    what: str
    """What happened."""
    why: str
    fix: str
    """What to change."""
    unless: str
    """What would prove it wrong."""
    confidence: float
    """0 to 1."""
    where: tuple[FrameRef, ...] = ()
    """Where to look, first things first."""
    diff: str = ""
    """The change as a unified diff against the source that the event shows; often empty."""
    rule: str = ""
    """Slug of the rule that spoke."""
    source: ExplanationSource = ExplanationSource.RULES


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLeak:
    """A leak of the same project that is open now."""

    issue: int
    """Its id."""
    cause: Cause
    holder: str = ""
    site: str = ""
    """The line that feeds it, as `shop/views.py:12`."""
    endpoint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorContext:
    """What is known apart from the event; all of it may be missing."""

    leaks: tuple[OpenLeak, ...] = ()
    memory: int = 0
    """Bytes that the worker used at the last sample before."""
    limit: int = 0
    """Bytes that it may use."""
    timeouts: int = 0
    """Workers that Gunicorn aborted in the hour before."""
    kills: int = 0
    """Workers that the kernel killed for lack of memory in the hour before."""
    new_release: bool = False
    """Whether the event's release was first seen in the hour before."""
