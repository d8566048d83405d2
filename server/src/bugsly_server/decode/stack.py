"""Decodes the exceptions of an event, and their frames."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from bugsly_server.decode.lenient_json import line, mapping, mappings, number, text
from bugsly_server.model.event import EventException, StackFrame

MAX_NAME_LENGTH = 300
MAX_SOURCE_LINE_LENGTH = 400
"""Characters of a source line."""
MAX_VALUE_LENGTH = 8_192
MAX_LOCAL_LENGTH = 1_024
MAX_EXCEPTIONS = 20
MAX_FRAMES = 100
OUTERMOST_FRAMES = 20
"""Frames kept from the outer end where there are too many; the rest are from the inner end."""
MAX_CONTEXT_LINES = 10
MAX_LOCALS = 60
LIBRARY_PATHS = (
    *("site-packages", "dist-packages", "node_modules", "/lib/python3", "/lib64/python3"),
    *("<frozen", "node:", "internal/", "webpack/bootstrap"),
)
LIBRARY_URLS = (
    *("node_modules/", "webpack/bootstrap", "-extension://", ".sentry-cdn.com/"),
    *("//cdn.jsdelivr.net/", "//unpkg.com/", "//cdnjs.cloudflare.com/", "//esm.sh/"),
)
"""Hosts that pages load libraries from."""
RELATIONS = {"__cause__": "cause", "__context__": "context", "exceptions": "member"}


def decode_exceptions(
    event: Mapping[str, Any], skipped: Counter[str]
) -> tuple[EventException, ...]:
    """Return the exceptions of *event*, the one that was caught first.

    An exception without a stack gets the stack of the event, or of the thread that crashed.
    """
    exceptions = [
        one for one in mappings(event.get("exception")) if one.get("type") or one.get("value")
    ]
    if len(exceptions) > MAX_EXCEPTIONS:
        skipped["exception beyond the 20 of an event"] += len(exceptions) - MAX_EXCEPTIONS
    exceptions = exceptions[-MAX_EXCEPTIONS:][::-1]
    fallback = [] if not exceptions or _frames_of(exceptions[0]) else _fallback_frames(event)
    platform = text(event.get("platform"), 40)
    return tuple(
        EventException(
            type=line(one.get("type"), MAX_NAME_LENGTH) or "Error",
            module=line(one.get("module"), MAX_NAME_LENGTH),
            value=text(one.get("value"), MAX_VALUE_LENGTH),
            frames=_frames(
                fallback if fallback and index == 0 else _frames_of(one), platform, skipped
            ),
            handled=_mechanism(one).get("handled") is not False,
            relation=_relation(one) if index else "",
        )
        for index, one in enumerate(exceptions)
    )


def _fallback_frames(event: Mapping[str, Any]) -> list[Any]:
    threads = mappings(event.get("threads"))
    chosen = [one for one in threads if one.get("crashed")] or [
        one for one in threads if one.get("current")
    ]
    return next((found for one in (*chosen, event) if (found := _frames_of(one))), [])


def _frames_of(raw: Mapping[str, Any]) -> list[Any]:
    frames = mapping(raw.get("stacktrace")).get("frames")
    return frames if isinstance(frames, list) else []


def _mechanism(raw: Mapping[str, Any]) -> dict[str, Any]:
    return mapping(raw.get("mechanism"))


def _relation(raw: Mapping[str, Any]) -> str:
    source = text(_mechanism(raw).get("source"), 40).partition("[")[0]
    return RELATIONS.get(source, "")


def _frames(raw: Sequence[object], platform: str, skipped: Counter[str]) -> tuple[StackFrame, ...]:
    frames = [one for one in raw if isinstance(one, dict)]
    if len(frames) > MAX_FRAMES:
        skipped["frame beyond the 100 of a stack"] += len(frames) - MAX_FRAMES
        frames = [*frames[:OUTERMOST_FRAMES], *frames[OUTERMOST_FRAMES - MAX_FRAMES :]]
    return tuple(_frame(one, platform) for one in frames)


def _frame(raw: Mapping[str, Any], platform: str) -> StackFrame:
    file, path = (
        line(raw.get("filename"), MAX_NAME_LENGTH),
        line(raw.get("abs_path"), MAX_NAME_LENGTH),
    )
    return StackFrame(
        module=line(raw.get("module"), MAX_NAME_LENGTH),
        function=line(raw.get("function"), MAX_NAME_LENGTH),
        file=file or path,
        path=path,
        line=number(raw.get("lineno"), 10**7),
        code=_source_line(raw.get("context_line")),
        before=_source_lines(raw.get("pre_context"))[-MAX_CONTEXT_LINES:],
        after=_source_lines(raw.get("post_context"))[:MAX_CONTEXT_LINES],
        in_app=_is_in_app(raw.get("in_app"), path or file, platform),
        locals=_locals(raw.get("vars")),
    )


def _locals(raw: object) -> dict[str, str]:
    if not isinstance(raw, dict):
        return {}
    entries = list(raw.items())[:MAX_LOCALS]
    return {
        line(key, MAX_NAME_LENGTH): text(_local_repr(value), MAX_LOCAL_LENGTH)
        for key, value in entries
    }


def _local_repr(raw: object) -> object:
    """Return a local as `repr` writes it: SDKs take containers apart, and `repr` what is inside."""
    if isinstance(raw, dict):
        inner = ", ".join(f"{key!r}: {_local_repr(value)}" for key, value in raw.items())
        return f"{{{inner}}}"
    return f"[{', '.join(str(_local_repr(one)) for one in raw)}]" if isinstance(raw, list) else raw


def _is_in_app(claimed: object, path: str, platform: str) -> bool:
    """Return whether a call is the application's own, as *claimed* by the SDK or by its file.

    SDKs in browsers claim it of every call.
    """
    if platform == "javascript":
        return claimed is not False and not any(part in path for part in LIBRARY_URLS)
    if isinstance(claimed, bool):
        return claimed
    return platform != "native" and not any(part in path for part in LIBRARY_PATHS)


def _source_line(raw: object) -> str:
    return text(raw, MAX_SOURCE_LINE_LENGTH) if raw is not None else ""


def _source_lines(raw: object) -> tuple[str, ...]:
    return tuple(_source_line(one) for one in raw) if isinstance(raw, list) else ()
