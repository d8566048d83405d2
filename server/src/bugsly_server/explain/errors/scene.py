"""One exception as a rule sees it: with the frame to look at, its statement and its locals."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from bugsly_server.explain.errors.source import Given, given, statement_of
from bugsly_server.model.error_explanation import FrameRef, Surroundings
from bugsly_server.model.event import Event, Frame, Thrown

LONGEST = 160
"""Characters that are quoted of any one text of the event."""
NOT_SHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\s]+")


@dataclass(frozen=True)
class Scene:
    """An exception of an event. Its frame is the innermost of the app, else the innermost."""

    event: Event
    surroundings: Surroundings
    index: int
    """Of the exception in the event."""
    thrown: Thrown

    @cached_property
    def number(self) -> int:
        """Return the position of the frame, -1 where there is none."""
        frames = self.thrown.frames
        own = [number for number, frame in enumerate(frames) if frame.in_app]
        return own[-1] if own else len(frames) - 1

    @property
    def frame(self) -> Frame:
        """Return the frame, an empty one where there is none."""
        return self.thrown.frames[self.number] if self.thrown.frames else Frame()

    @property
    def raised_here(self) -> bool:
        """Return whether the frame itself raised, and not something it called."""
        return self.number == len(self.thrown.frames) - 1

    @property
    def caller(self) -> Frame | None:
        """Return the frame that called."""
        return self.thrown.frames[self.number - 1] if self.number > 0 else None

    @cached_property
    def statement(self) -> ast.stmt | None:
        """Return what the line says, None where that cannot be read."""
        return statement_of(self.frame) if self.frame.code else None

    def nodes(self) -> Iterator[ast.AST]:
        """Walk through the statement, but not into the body below its line."""
        waiting: list[ast.AST] = [self.statement] if self.statement is not None else []
        while waiting:
            node = waiting.pop(0)
            yield node
            for name, child in ast.iter_fields(node):
                if name not in {"body", "orelse"} or isinstance(child, ast.expr):
                    found = child if isinstance(child, list) else [child]
                    waiting += [one for one in found if isinstance(one, ast.AST)]

    def given(self, name: str) -> Given | None:
        """Return where *name* got its value, None where that is not seen."""
        return given(self.frame, name)

    @property
    def where(self) -> tuple[FrameRef, ...]:
        """Return the frame to look at, as a reference."""
        if not self.thrown.frames:
            return ()
        return (FrameRef(exception=self.index, frame=self.number, line=line_of(self.frame)),)


def line_of(frame: Frame) -> str:
    """Return `shop/views.py:12`, as far as it is known."""
    name = frame.file or frame.path or frame.module or "an unknown file"
    return f"{name}:{frame.line}" if frame.line else name


def quoted(text: str, longest: int = LONGEST) -> str:
    """Return *text* as data to be shown: on one line, plain, without backticks, cut short."""
    plain = NOT_SHOWN.sub(" ", text[: 4 * longest]).strip().replace("`", "'")
    return plain if len(plain) <= longest else f"{plain[: longest - 1]}…"
