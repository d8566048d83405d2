"""Turns an exception that was really raised into an event, as an SDK would."""

import linecache
import traceback
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import Any

from bugsly_server.model.event import ErrorEvent, EventException, StackFrame

SUPPORT_FOLDER = __file__.rpartition("/")[0]
CONTEXT_LINES = 5
MAX_REPR_LENGTH = 200


def event_of_exception(
    error: BaseException, sources: Mapping[str, str], **facts: Any
) -> ErrorEvent:
    """Return the event of *error*; *sources* holds the files of the app, by name."""
    exceptions = tuple(
        _exception_value(one, relation, sources) for one, relation in _exception_chain(error)
    )
    return ErrorEvent(
        **{"id": "0" * 32, "at": 1, "platform": "python", "exceptions": exceptions, **facts},
    )


def _exception_chain(error: BaseException) -> Iterator[tuple[BaseException, str]]:
    relation, current = "", error
    while True:
        yield current, relation
        if current.__cause__ is not None:
            relation, current = "cause", current.__cause__
        elif current.__context__ is not None and not current.__suppress_context__:
            relation, current = "context", current.__context__
        else:
            return


def _exception_value(
    error: BaseException, relation: str, sources: Mapping[str, str]
) -> EventException:
    kind = type(error)
    steps = list(traceback.walk_tb(error.__traceback__))
    shown = [_frame(frame, line, sources) for frame, line in steps]
    return EventException(
        type=kind.__name__,
        module=kind.__module__,
        value=str(error),
        frames=tuple(one for one in shown if not one.path.startswith(SUPPORT_FOLDER)),
        relation=relation,
    )


def _frame(frame: FrameType, line: int, sources: Mapping[str, str]) -> StackFrame:
    path = frame.f_code.co_filename
    text = sources.get(path)
    lines = text.splitlines() if text is not None else linecache.getlines(path, frame.f_globals)
    lines = [one.rstrip("\n") for one in lines]
    return StackFrame(
        module=frame.f_globals.get("__name__", ""),
        function=frame.f_code.co_name,
        file=path,
        path=path,
        line=line,
        code=lines[line - 1] if 0 < line <= len(lines) else "",
        before=tuple(lines[max(line - 1 - CONTEXT_LINES, 0) : line - 1]),
        after=tuple(lines[line : line + CONTEXT_LINES]),
        in_app=text is not None,
        locals={
            name: _safe_repr(value)
            for name, value in frame.f_locals.items()
            if not name.startswith("__")
        },
    )


def _safe_repr(value: object) -> str:
    try:
        return repr(value)[:MAX_REPR_LENGTH]
    except Exception:  # noqa: BLE001 - what an SDK does with a repr that fails
        return "<broken repr>"
