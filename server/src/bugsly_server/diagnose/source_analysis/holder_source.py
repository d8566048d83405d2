"""What the sources say about one holder that grows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from bugsly.protocol.evidence import Holder, ModuleSource
from bugsly_server.diagnose.source_analysis.write_sites import WriteSite

NAME_PATTERN = re.compile(r"[A-Za-z_]\w*")
"""A name in the path of a holder."""


class SourceLine(NamedTuple):
    """A line of one source."""

    source: ModuleSource
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderSource:
    """What the sources say about one holder, and about the requests that drive it."""

    holder: Holder
    """With the file that feeds it; else with one whose source may say more."""
    write_site: WriteSite | None
    """The line that adds to it, and that its endpoint most likely reaches."""
    named_line: SourceLine | None
    """The line of the application that adds to a library's holder by its name."""
    removes_entries: bool
    is_bounded: bool
    """Whether a holder that only a walk of the heap found has a limit in its source."""
    unread_module: str | None
    """A module that defines a class on the path to it, and was not requested yet."""
