"""Turns an exception that was really raised into an event, as an SDK would."""

import linecache
import traceback
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import Any

from bugsly_server.model.event import Event, Frame, Thrown

HERE = __file__.rpartition("/")[0]
AROUND = 5
LONGEST = 200


def event_of(error: BaseException, sources: Mapping[str, str], **facts: Any) -> Event:
    """Return the event of *error*; *sources* holds the files of the app, by name."""
    thrown = tuple(_thrown(one, relation, sources) for one, relation in _chain(error))
    return Event(
        **{"id": "0" * 32, "at": 1, "platform": "python", "exceptions": thrown, **facts},
    )


def _chain(error: BaseException) -> Iterator[tuple[BaseException, str]]:
    relation, now = "", error
    while True:
        yield now, relation
        if now.__cause__ is not None:
            relation, now = "cause", now.__cause__
        elif now.__context__ is not None and not now.__suppress_context__:
            relation, now = "context", now.__context__
        else:
            return


def _thrown(error: BaseException, relation: str, sources: Mapping[str, str]) -> Thrown:
    kind = type(error)
    steps = list(traceback.walk_tb(error.__traceback__))
    shown = [_frame(frame, line, sources) for frame, line in steps]
    return Thrown(
        type=kind.__name__,
        module=kind.__module__,
        value=str(error),
        frames=tuple(one for one in shown if not one.path.startswith(HERE)),
        relation=relation,
    )


def _frame(frame: FrameType, line: int, sources: Mapping[str, str]) -> Frame:
    path = frame.f_code.co_filename
    text = sources.get(path)
    lines = text.splitlines() if text is not None else linecache.getlines(path, frame.f_globals)
    lines = [one.rstrip("\n") for one in lines]
    return Frame(
        module=frame.f_globals.get("__name__", ""),
        function=frame.f_code.co_name,
        file=path,
        path=path,
        line=line,
        code=lines[line - 1] if 0 < line <= len(lines) else "",
        before=tuple(lines[max(line - 1 - AROUND, 0) : line - 1]),
        after=tuple(lines[line : line + AROUND]),
        in_app=text is not None,
        locals={
            name: _shown(value)
            for name, value in frame.f_locals.items()
            if not name.startswith("__")
        },
    )


def _shown(value: object) -> str:
    try:
        return repr(value)[:LONGEST]
    except Exception:  # noqa: BLE001 - what an SDK does with a repr that fails
        return "<broken repr>"
