"""Writes down the calls of a traceback, the application's with their variables."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from bugsly.own import is_own
from bugsly.protocol.event import Frame

if TYPE_CHECKING:
    from types import FrameType, TracebackType

    from bugsly.probes.errors.show import Show

MOST = 100
"""Frames of one exception: as many from each end, where there are more."""
LONGEST_NAME = 200
LONGEST_PATH = 400


def frames_of(traceback: TracebackType | None, show: Show | None) -> tuple[Frame, ...]:
    """Return the calls of *traceback*, outermost first.

    *show* writes the variables of the application's own calls and of the innermost one, which it
    sees first: the room for them may end.
    """
    calls = _calls(traceback)
    frames = []
    for number, (frame, line) in enumerate(reversed(calls)):
        own = is_own(frame.f_code.co_filename)
        shown = show if own or not number else None
        frames.append(_frame(frame, line, shown))
    return tuple(reversed(frames))


def _calls(traceback: TracebackType | None) -> list[tuple[FrameType, int]]:
    first: list[tuple[FrameType, int]] = []
    last: deque[tuple[FrameType, int]] = deque(maxlen=MOST // 2)
    while traceback is not None:
        call = (traceback.tb_frame, traceback.tb_lineno)
        if len(first) < MOST // 2:
            first.append(call)
        else:
            last.append(call)
        traceback = traceback.tb_next
    return [*first, *last]


def _frame(frame: FrameType, line: int, show: Show | None) -> Frame:
    code = frame.f_code
    module = frame.f_globals.get("__name__")
    return Frame(
        module=module[:LONGEST_NAME] if type(module) is str else "",
        function=getattr(code, "co_qualname", code.co_name)[:LONGEST_NAME],
        path=code.co_filename[-LONGEST_PATH:],
        line=line or 0,
        locals=show.variables(frame.f_locals) if show is not None else {},
    )


def innermost(traceback: TracebackType | None) -> tuple[str, int]:
    """Return file and line of the application's innermost call, of any where none is its own."""
    found = last = ("", 0)
    while traceback is not None:
        last = (traceback.tb_frame.f_code.co_filename, traceback.tb_lineno or 0)
        if is_own(last[0]):
            found = last
        traceback = traceback.tb_next
    return found if found[0] else last
