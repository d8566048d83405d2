"""Files, folders and descriptors."""

from __future__ import annotations

import re

from bugsly_server.explain.errors.raised_exception import RaisedException, quoted
from bugsly_server.explain.errors.rule import ErrorRule, RuleMatch
from bugsly_server.model.diagnosis import Cause


def explain_path(_raised: RaisedException, matched: re.Match[str]) -> RuleMatch | None:
    """Tell a relative path, which depends on where the app was started, from an absolute one."""
    path = matched["path"]
    is_relative = not path.startswith(("/", "\\")) and ":" not in path[:3]
    return RuleMatch(
        phrases={
            "reason": "The path is relative: it counts from the folder the app was started in,"
            " which is another one in production."
            if is_relative
            else "It was never written, lies on another machine or container, or was moved.",
            "advice": "Build it from `app.root_path` or `Path(__file__).parent`"
            if is_relative
            else "See that the deployment puts it there, and mounts the volume it is on",
        }
    )


def tie_to_open_leak(raised: RaisedException, _matched: re.Match[str]) -> RuleMatch | None:
    """Tie it to what the project leaks already."""
    for leak in raised.context.leaks:
        if leak.cause in {Cause.MADE_PER_REQUEST, Cause.UNRETURNED_CONNECTION}:
            sentence = f" The leak that is open as issue {leak.issue} takes them"
            location = quoted(leak.site or leak.holder)
            site = f", at `{location}`" if location else ""
            return RuleMatch(phrases={"tied": f"{sentence}{site}."}, confidence=0.96)
    return RuleMatch(phrases={"tied": ""})


RULES = (
    ErrorRule(
        slug="file-missing",
        exception_types=("FileNotFoundError",),
        pattern=r"\[Errno 2\] [^:]*: '(?P<path>[^']*)'",
        title="There is no file `{path}`",
        why="{reason}",
        fix="{advice}; it is asked for at {at}.",
        unless="the file is there: then its name differs in case, or a link in its path is broken.",
        confidence=0.95,
        examine=explain_path,
    ),
    ErrorRule(
        slug="file-not-permitted",
        exception_types=("PermissionError",),
        pattern=r"\[Errno (?:1|13)\] [^:]*: '(?P<path>[^']*)'",
        title="The worker may not touch `{path}`",
        why="The user that Gunicorn runs as lacks the right, or the container's file system is"
        " read-only.",
        fix="Give that user the folder (`chown`), or write to a mounted volume or `/tmp`; at {at}.",
        unless="another process holds it (Windows), or SELinux forbids it.",
        confidence=0.92,
    ),
    ErrorRule(
        slug="file-is-a-folder",
        exception_types=("IsADirectoryError",),
        pattern=r": '(?P<path>[^']*)'",
        title="`{path}` is a folder, and is opened as a file",
        why="The file's name is missing at the end: an empty name joined to a folder gives the folder.",
        fix="Check the name before it is joined at {at}; an upload without a file has an empty one.",
        unless="a folder was made there by mistake, as Docker does for a mount whose source is missing.",
        confidence=0.95,
    ),
    ErrorRule(
        slug="folder-is-a-file",
        exception_types=("NotADirectoryError",),
        pattern=r": '(?P<path>[^']*)'",
        title="A part of `{path}` is a file, not a folder",
        why="Something was joined to the path of a file.",
        fix="Use the folder of that file (`Path(…).parent`) at {at}.",
        unless="the file lies where a folder should be: then remove it.",
    ),
    ErrorRule(
        slug="file-exists",
        exception_types=("FileExistsError",),
        pattern=r": '(?P<path>[^']*)'",
        title="`{path}` exists already",
        why="Two workers or two runs make the same thing.",
        fix="Use `mkdir(exist_ok=True)`, or open with `w` instead of `x`, at {at}.",
        unless="it must be new: then take a unique name (`tempfile`).",
    ),
    ErrorRule(
        slug="too-many-open-files",
        exception_types=("OSError",),
        pattern=r"\[Errno 24\]",
        title="The worker has too many files and sockets open",
        why="Files, responses or clients are opened and not closed, until the limit is met.{tied}",
        fix="Open them in a `with` block, and make HTTP clients once; {at} is only where the last one"
        " was asked for. `ulimit -n` gains time, no more.",
        unless="the limit is far below what the load needs.",
        confidence=0.93,
        examine=tie_to_open_leak,
    ),
    ErrorRule(
        slug="disk-full",
        exception_types=("OSError",),
        pattern=r"\[Errno (?:28|122)\]",
        title="The disk is full",
        why="Nothing more can be written where {at} writes: logs, uploads and temporary files fill it,"
        " or its inodes are used up.",
        fix="Make room (`df -h`, `df -i`), then bound what grows: rotate logs, delete temporary files.",
        unless="it is a quota of the user alone.",
        confidence=0.96,
    ),
    ErrorRule(
        slug="read-only",
        exception_types=("OSError",),
        pattern=r"\[Errno 30\][^:]*(?:: '(?P<path>[^']*)')?",
        title="The file system is read-only: `{path}` cannot be written",
        why="The container runs with a read-only root, or the disk was remounted after a fault.",
        fix="Write to a mounted volume or a tmpfs instead, at {at}.",
        unless="the disk has faults: then the kernel's log says so.",
        confidence=0.95,
    ),
)
