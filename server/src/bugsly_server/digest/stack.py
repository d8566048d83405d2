"""Reads the exceptions of an event, and their frames."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from bugsly_server.digest.loose import line, mapping, number, text, values
from bugsly_server.model.event import Frame, Thrown

NAME = 300
CODE = 400
"""Characters of a source line."""
VALUE = 8_192
LOCAL = 1_024
MOST_THROWN = 20
MOST_FRAMES = 100
OUTERMOST = 20
"""Frames kept of the outer end where there are too many; the rest are of the inner one."""
AROUND = 10
MOST_LOCALS = 60
LIBRARY = (
    *("site-packages", "dist-packages", "node_modules", "/lib/python3", "/lib64/python3"),
    *("<frozen", "node:", "internal/", "webpack/bootstrap"),
)
SERVED = (
    *("node_modules/", "webpack/bootstrap", "-extension://", ".sentry-cdn.com/"),
    *("//cdn.jsdelivr.net/", "//unpkg.com/", "//cdnjs.cloudflare.com/", "//esm.sh/"),
)
"""Where a page has its libraries from."""
RELATIONS = {"__cause__": "cause", "__context__": "context", "exceptions": "member"}


def thrown(event: Mapping[str, Any], skipped: Counter[str]) -> tuple[Thrown, ...]:
    """Return the exceptions of *event*, the one that was caught first.

    An exception without a stack has that of the event, or of its thread that crashed.
    """
    told = [one for one in values(event.get("exception")) if one.get("type") or one.get("value")]
    if len(told) > MOST_THROWN:
        skipped["exception beyond the 20 of an event"] += len(told) - MOST_THROWN
    told = told[-MOST_THROWN:][::-1]
    spare = [] if not told or _frames_of(told[0]) else _spare_frames(event)
    platform = text(event.get("platform"), 40)
    return tuple(
        Thrown(
            type=line(one.get("type"), NAME) or "Error",
            module=line(one.get("module"), NAME),
            value=text(one.get("value"), VALUE),
            frames=_frames(spare if spare and index == 0 else _frames_of(one), platform, skipped),
            handled=_mechanism(one).get("handled") is not False,
            relation=_relation(one) if index else "",
        )
        for index, one in enumerate(told)
    )


def _spare_frames(event: Mapping[str, Any]) -> list[Any]:
    threads = values(event.get("threads"))
    chosen = [one for one in threads if one.get("crashed")] or [
        one for one in threads if one.get("current")
    ]
    return next((found for one in (*chosen, event) if (found := _frames_of(one))), [])


def _frames_of(loose: Mapping[str, Any]) -> list[Any]:
    frames = mapping(loose.get("stacktrace")).get("frames")
    return frames if isinstance(frames, list) else []


def _mechanism(loose: Mapping[str, Any]) -> dict[str, Any]:
    return mapping(loose.get("mechanism"))


def _relation(loose: Mapping[str, Any]) -> str:
    source = text(_mechanism(loose).get("source"), 40).partition("[")[0]
    return RELATIONS.get(source, "")


def _frames(loose: Sequence[object], platform: str, skipped: Counter[str]) -> tuple[Frame, ...]:
    told = [one for one in loose if isinstance(one, dict)]
    if len(told) > MOST_FRAMES:
        skipped["frame beyond the 100 of a stack"] += len(told) - MOST_FRAMES
        told = [*told[:OUTERMOST], *told[OUTERMOST - MOST_FRAMES :]]
    return tuple(_frame(one, platform) for one in told)


def _frame(loose: Mapping[str, Any], platform: str) -> Frame:
    file, path = line(loose.get("filename"), NAME), line(loose.get("abs_path"), NAME)
    return Frame(
        module=line(loose.get("module"), NAME),
        function=line(loose.get("function"), NAME),
        file=file or path,
        path=path,
        line=number(loose.get("lineno"), 10**7),
        code=_code(loose.get("context_line")),
        before=_lines(loose.get("pre_context"))[-AROUND:],
        after=_lines(loose.get("post_context"))[:AROUND],
        in_app=_is_own(loose.get("in_app"), path or file, platform),
        locals=_locals(loose.get("vars")),
    )


def _locals(loose: object) -> dict[str, str]:
    if not isinstance(loose, dict):
        return {}
    held = list(loose.items())[:MOST_LOCALS]
    return {line(key, NAME): text(_shown(value), LOCAL) for key, value in held}


def _shown(loose: object) -> object:
    """Return a local as `repr` writes it: SDKs take containers apart, and `repr` what is inside."""
    if isinstance(loose, dict):
        inner = ", ".join(f"{key!r}: {_shown(value)}" for key, value in loose.items())
        return f"{{{inner}}}"
    return f"[{', '.join(str(_shown(one)) for one in loose)}]" if isinstance(loose, list) else loose


def _is_own(told: object, path: str, platform: str) -> bool:
    """Return whether a call is the application's own, as *told* by the SDK or by its file.

    SDKs of browsers say so of every call.
    """
    if platform == "javascript":
        return told is not False and not any(part in path for part in SERVED)
    if isinstance(told, bool):
        return told
    return platform != "native" and not any(part in path for part in LIBRARY)


def _code(loose: object) -> str:
    return text(loose, CODE) if loose is not None else ""


def _lines(loose: object) -> tuple[str, ...]:
    return tuple(_code(one) for one in loose) if isinstance(loose, list) else ()
