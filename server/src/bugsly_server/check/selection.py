"""Decides which findings are wanted: by rule, and by file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Self

from bugsly_server.check.check_settings import CheckConfiguration
from bugsly_server.check.rule import CheckFinding, CheckRule
from bugsly_server.check.source_files import matches
from bugsly_server.errors import Misconfigured

EVERY_CODE = "BG"
"""What all codes begin with."""


class Selection:
    """The rules whose findings are wanted, and the files in which they are not."""

    def __init__(
        self, codes: frozenset[str], ignored_in: dict[str, frozenset[str]], root: Path
    ) -> None:
        self._codes = codes
        self._ignored_in = ignored_in
        self._root = root

    @classmethod
    def read(
        cls,
        select: Iterable[str],
        ignore: Iterable[str],
        configuration: CheckConfiguration,
        rules: Iterable[CheckRule],
    ) -> Self:
        """Return what a command line says, over what the settings say.

        Raises `Misconfigured` for a code that no rule has.
        """
        known = frozenset(rule.code for rule in rules)
        settings = configuration.settings
        selected = list(select) or settings.select or (EVERY_CODE,)
        ignored = _codes((*settings.ignore, *ignore), known)
        in_files = {
            pattern: _codes(codes, known) for pattern, codes in settings.per_file_ignores.items()
        }
        return cls(_codes(selected, known) - ignored, in_files, configuration.folder)

    def wants(self, finding: CheckFinding) -> bool:
        """Return whether *finding* is wanted."""
        return finding.code in self._codes and not any(
            finding.code in codes and matches(finding.path, pattern, self._root)
            for pattern, codes in self._ignored_in.items()
        )


def _codes(wanted: Iterable[str], known: frozenset[str]) -> frozenset[str]:
    """Return the codes that begin with what is *wanted*."""
    found: set[str] = set()
    for beginning in wanted:
        codes = {code for code in known if code.startswith(beginning.upper()) and beginning}
        if not codes:
            raise Misconfigured(
                f"{beginning!r}: no rule has this code → see bugsly check --explain"
            )
        found |= codes
    return frozenset(found)
