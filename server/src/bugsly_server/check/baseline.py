"""Knows the findings of an earlier run, so that only new ones are reported.

A finding is known by its rule, its file and the text of its line, however far the line moved.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from bugsly_server.check.rule import CheckFinding, printable
from bugsly_server.errors import Misconfigured, NotFound

VERSION = 1
DEFAULT_FILE = "bugsly-baseline.json"
REWRITE_ADVICE = "write it anew with --write-baseline"


class KnownFinding(NamedTuple):
    """What a finding is known by."""

    code: str
    path: str
    """From the folder of the baseline, with `/`."""
    text: str
    """Of its line, without the space around it."""


class Baseline:
    """How many findings of each kind are known; *folder* is where its file is."""

    def __init__(self, known: Counter[KnownFinding], folder: Path) -> None:
        self._known = known
        self._folder = folder

    @classmethod
    def of(cls, findings: Iterable[CheckFinding], folder: Path) -> Baseline:
        """Return the baseline that knows *findings*."""
        return cls(Counter(_known(finding, folder) for finding in findings), folder)

    @classmethod
    def load(cls, file: Path) -> Baseline:
        """Return the baseline in *file*; raise `Misconfigured` where it cannot be used."""
        try:
            content = file.read_bytes()
        except OSError as error:
            raise NotFound(f"{file}: {error.strerror} → {REWRITE_ADVICE}") from None
        try:
            version = msgspec.json.decode(content, type=_Head).version
            if version != VERSION:
                raise Misconfigured(
                    f"{file}: it is a baseline of version {version}, and this Bugsly reads version"
                    f" {VERSION} → {REWRITE_ADVICE}"
                )
            entries = msgspec.json.decode(content, type=_Document).findings
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise Misconfigured(f"{file}: it is no baseline of bugsly → {REWRITE_ADVICE}") from None
        known = Counter[KnownFinding]()
        for entry in entries:
            known[KnownFinding(entry.code, entry.path, entry.text)] += entry.count
        return cls(known, file.absolute().parent)

    def write(self, file: Path) -> None:
        """Write it to *file*; raise `Misconfigured` where that cannot be done."""
        entries = [_Entry(*known, count) for known, count in sorted(self._known.items())]
        document = msgspec.json.encode(_Document(VERSION, entries))
        try:
            file.write_bytes(msgspec.json.format(document) + b"\n")
        except OSError as error:
            raise Misconfigured(
                f"{file}: {error.strerror} → choose a file that can be written"
            ) from None

    def unknown(self, findings: Sequence[CheckFinding]) -> list[CheckFinding]:
        """Return those of *findings* that it does not know: of equal ones, the last."""
        left = self._known.copy()
        found = []
        for finding in findings:
            known = _known(finding, self._folder)
            if left[known] > 0:
                left[known] -= 1
            else:
                found.append(finding)
        return found


class _Head(msgspec.Struct):
    version: int


class _Entry(msgspec.Struct):
    code: str
    path: str
    text: str
    count: int


class _Document(msgspec.Struct):
    version: int
    findings: list[_Entry]


def _known(finding: CheckFinding, folder: Path) -> KnownFinding:
    absolute = finding.path.absolute()
    path = absolute.relative_to(folder) if absolute.is_relative_to(folder) else absolute
    return KnownFinding(finding.code, printable(path.as_posix()), finding.text)
