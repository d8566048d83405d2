"""Records the frames of a traceback for an event, those of the application with variables."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from bugsly.app_code import is_app_file
from bugsly.protocol.event import CapturedFrame

if TYPE_CHECKING:
    from types import FrameType, TracebackType

    from bugsly.probes.errors.safe_repr import SafeRepr

MAX_FRAMES = 100
"""Frames of one exception; of more, half from each end."""
MAX_NAME_LENGTH = 200
MAX_PATH_LENGTH = 400


def frames_of(
    traceback: TracebackType | None, safe_repr: SafeRepr | None
) -> tuple[CapturedFrame, ...]:
    """Return the frames of *traceback*, outermost first.

    *safe_repr* formats the variables of the application's frames and of the innermost frame. It
    begins with the innermost one, because it may reach its limit.
    """
    calls = _frames_and_lines(traceback)
    frames = []
    for number, (frame, line) in enumerate(reversed(calls)):
        is_app = is_app_file(frame.f_code.co_filename)
        frame_repr = safe_repr if is_app or not number else None
        frames.append(_describe_frame(frame, line, frame_repr))
    return tuple(reversed(frames))


def _frames_and_lines(traceback: TracebackType | None) -> list[tuple[FrameType, int]]:
    first: list[tuple[FrameType, int]] = []
    last: deque[tuple[FrameType, int]] = deque(maxlen=MAX_FRAMES // 2)
    while traceback is not None:
        call = (traceback.tb_frame, traceback.tb_lineno)
        if len(first) < MAX_FRAMES // 2:
            first.append(call)
        else:
            last.append(call)
        traceback = traceback.tb_next
    return [*first, *last]


def _describe_frame(frame: FrameType, line: int, safe_repr: SafeRepr | None) -> CapturedFrame:
    code = frame.f_code
    module = frame.f_globals.get("__name__")
    return CapturedFrame(
        module=module[:MAX_NAME_LENGTH] if type(module) is str else "",
        function=getattr(code, "co_qualname", code.co_name)[:MAX_NAME_LENGTH],
        path=code.co_filename[-MAX_PATH_LENGTH:],
        line=line or 0,
        locals=safe_repr.format_variables(frame.f_locals) if safe_repr is not None else {},
    )


def innermost_line(traceback: TracebackType | None) -> tuple[str, int]:
    """Return file and line of the application's innermost frame, else of the innermost frame."""
    found = last = ("", 0)
    while traceback is not None:
        last = (traceback.tb_frame.f_code.co_filename, traceback.tb_lineno or 0)
        if is_app_file(last[0]):
            found = last
        traceback = traceback.tb_next
    return found if found[0] else last
