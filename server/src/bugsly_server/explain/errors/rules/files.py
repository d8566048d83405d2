"""Explains errors of files, folders, descriptors and disks."""

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
            "reason": "The path is relative to the folder in which the app was started,"
            " which is a different one in production."
            if is_relative
            else "It was never written, lies on another machine or container, or was moved.",
            "advice": "Build it from `app.root_path` or `Path(__file__).parent`"
            if is_relative
            else "Check that the deployment puts it there and mounts its volume",
        }
    )


def find_program(raised: RaisedException, matched: re.Match[str]) -> RuleMatch | None:
    """Tell a program that is not installed from a file: `subprocess` raises the same error."""
    innermost = raised.exception.frames[-1] if raised.exception.frames else raised.frame
    is_started = "subprocess" in {innermost.module, innermost.file.rpartition("/")[2][:-3]}
    return RuleMatch() if is_started and "/" not in matched["path"] else None


def tie_to_open_leak(raised: RaisedException, _matched: re.Match[str]) -> RuleMatch | None:
    """Tie it to what the project leaks already."""
    for leak in raised.context.leaks:
        if leak.cause in {Cause.MADE_PER_REQUEST, Cause.UNRETURNED_CONNECTION}:
            sentence = f" The open leak of issue {leak.issue} uses them up"
            location = quoted(leak.site or leak.holder)
            site = f", at `{location}`" if location else ""
            return RuleMatch(phrases={"tied": f"{sentence}{site}."}, confidence=0.96)
    return RuleMatch(phrases={"tied": ""})


RULES = (
    ErrorRule(
        slug="program-missing",
        exception_types=("FileNotFoundError",),
        pattern=r"\[Errno 2\] [^:]*: '(?P<path>[^']*)'",
        title="The program `{path}` is not installed where the worker runs",
        why="No folder of the worker's `PATH` has a program of that name: it is missing in this image or"
        " machine, or the service was started with a shorter `PATH`.",
        fix="Install `{path}` in the image, or give its full path at {at}; `shutil.which` says at start"
        " whether it is there.",
        unless="`{path}` is meant as a whole command line: then pass a list, one element per argument.",
        confidence=0.97,
        examine=find_program,
    ),
    ErrorRule(
        slug="file-missing",
        exception_types=("FileNotFoundError",),
        pattern=r"\[Errno 2\] [^:]*: '(?P<path>[^']*)'",
        title="There is no file `{path}`",
        why="{reason}",
        fix="{advice}; it is opened at {at}.",
        unless="the file is there: then its name differs in case, or a symbolic link in its path is broken.",
        confidence=0.95,
        examine=explain_path,
    ),
    ErrorRule(
        slug="file-not-permitted",
        exception_types=("PermissionError",),
        pattern=r"\[Errno (?:1|13)\] [^:]*: '(?P<path>[^']*)'",
        title="The worker has no permission for `{path}`",
        why="The user that Gunicorn runs as lacks the permission, or the container's file system is"
        " read-only.",
        fix="Make that user the owner of the folder (`chown`), or write to a mounted volume or `/tmp`; at {at}.",
        unless="another process has it open (Windows), or SELinux forbids it.",
        confidence=0.92,
    ),
    ErrorRule(
        slug="file-is-a-folder",
        exception_types=("IsADirectoryError",),
        pattern=r": '(?P<path>[^']*)'",
        title="`{path}` is a folder, but is opened as a file",
        why="The name of the file is missing at the end: a folder joined with an empty name is the folder.",
        fix="Check the name before it is joined at {at}; an upload without a file has an empty one.",
        unless="a folder was made there by mistake; Docker does so for a mount with a missing source.",
        confidence=0.95,
    ),
    ErrorRule(
        slug="folder-is-a-file",
        exception_types=("NotADirectoryError",),
        pattern=r": '(?P<path>[^']*)'",
        title="A part of `{path}` is a file, not a folder",
        why="A name was joined to the path of a file.",
        fix="Use the folder of that file (`Path(…).parent`) at {at}.",
        unless="a file is where a folder should be: then remove it.",
    ),
    ErrorRule(
        slug="file-exists",
        exception_types=("FileExistsError",),
        pattern=r": '(?P<path>[^']*)'",
        title="`{path}` already exists",
        why="Two workers or two runs create the same file or folder.",
        fix="Use `mkdir(exist_ok=True)`, or open with `w` instead of `x`, at {at}.",
        unless="it must be new: then use a unique name (`tempfile`).",
    ),
    ErrorRule(
        slug="too-many-open-files",
        exception_types=("OSError",),
        pattern=r"\[Errno 24\]",
        title="The worker has too many files and sockets open",
        why="Files, responses or clients are opened and not closed, until the limit is reached.{tied}",
        fix="Open them in a `with` block, and make HTTP clients once; {at} is only where the last one"
        " was opened. A higher `ulimit -n` only gains time.",
        unless="the limit is far too low for the load.",
        confidence=0.93,
        examine=tie_to_open_leak,
    ),
    ErrorRule(
        slug="disk-full",
        exception_types=("OSError",),
        pattern=r"\[Errno (?:28|122)\]",
        title="The disk is full",
        why="The disk that {at} writes to has no space left: logs, uploads and temporary files fill it,"
        " or its inodes are used up.",
        fix="Free space (see `df -h` and `df -i`), then limit what grows: rotate logs, delete temporary files.",
        unless="only the quota of the user is used up.",
        confidence=0.96,
    ),
    ErrorRule(
        slug="read-only",
        exception_types=("OSError",),
        pattern=r"\[Errno 30\][^:]*(?:: '(?P<path>[^']*)')?",
        title="The file system is read-only: `{path}` cannot be written",
        why="The container runs with a read-only root, or the disk was remounted after a fault.",
        fix="Write to a mounted volume or a tmpfs instead, at {at}.",
        unless="the disk is faulty: then the kernel's log says so.",
        confidence=0.95,
    ),
)
