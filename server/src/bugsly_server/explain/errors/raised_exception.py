"""Gives rules one exception of an event, with the frame to look at and its statement."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from bugsly_server.explain.errors.frame_source import Assignment, find_assignment, statement_of
from bugsly_server.model.error_explanation import ErrorContext, FrameRef
from bugsly_server.model.event import ErrorEvent, EventException, StackFrame

MAX_QUOTED_CHARACTERS = 160
"""Characters that are quoted of a text of the event."""
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\s]+")


@dataclass(frozen=True)
class RaisedException:
    """An exception of an event. Its frame is the innermost one of the app, else the innermost."""

    event: ErrorEvent
    context: ErrorContext
    exception_index: int
    """Of the exception in the event."""
    exception: EventException

    @cached_property
    def frame_index(self) -> int:
        """Return the position of the frame, -1 where there is none."""
        frames = self.exception.frames
        app_frames = [number for number, frame in enumerate(frames) if frame.in_app]
        return app_frames[-1] if app_frames else len(frames) - 1

    @property
    def frame(self) -> StackFrame:
        """Return the frame, an empty one where there is none."""
        return self.exception.frames[self.frame_index] if self.exception.frames else StackFrame()

    @property
    def is_raised_here(self) -> bool:
        """Return whether the frame itself raised, and not something it called."""
        return self.frame_index == len(self.exception.frames) - 1

    @property
    def caller_frame(self) -> StackFrame | None:
        """Return the frame that called."""
        return self.exception.frames[self.frame_index - 1] if self.frame_index > 0 else None

    @cached_property
    def statement(self) -> ast.stmt | None:
        """Return the statement at the line, None if it cannot be parsed."""
        return statement_of(self.frame) if self.frame.code else None

    def statement_nodes(self) -> Iterator[ast.AST]:
        """Yield the nodes of the statement, without those of the body below its line.

        A body on the line itself is part of it: `def double(n): return 2 * n`.
        """
        waiting: list[ast.AST] = [self.statement] if self.statement is not None else []
        while waiting:
            node = waiting.pop(0)
            yield node
            for name, child in ast.iter_fields(node):
                children = child if isinstance(child, list) else [child]
                is_below = name in {"body", "orelse"} and not isinstance(child, ast.expr)
                waiting += [
                    one
                    for one in children
                    if isinstance(one, ast.AST)
                    and not (is_below and getattr(one, "lineno", 0) != getattr(node, "lineno", 0))
                ]

    def assignment_of(self, name: str) -> Assignment | None:
        """Return where *name* got its value, None if the source shown does not tell."""
        return find_assignment(self.frame, name)

    @property
    def frame_refs(self) -> tuple[FrameRef, ...]:
        """Return the frame to look at, as a reference."""
        if not self.exception.frames:
            return ()
        return (
            FrameRef(
                exception=self.exception_index,
                frame=self.frame_index,
                line=frame_location(self.frame),
            ),
        )


def frame_location(frame: StackFrame) -> str:
    """Return `shop/views.py:12`, or as much of it as is known."""
    name = frame.file or frame.path or frame.module or "an unknown file"
    return f"{name}:{frame.line}" if frame.line else name


def quoted(text: str, max_length: int = MAX_QUOTED_CHARACTERS) -> str:
    """Return *text* fit to be shown as data: on one line, plain, without backticks, truncated."""
    plain = UNPRINTABLE.sub(" ", text[: 4 * max_length]).strip().replace("`", "'")
    return plain if len(plain) <= max_length else f"{plain[: max_length - 1]}…"
