"""One run over sources: which findings it reports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bugsly_server.check.analysis import check_sources
from bugsly_server.check.baseline import Baseline
from bugsly_server.check.check_settings import CheckConfiguration
from bugsly_server.check.result_cache import check_with_cache
from bugsly_server.check.rule import CheckFinding
from bugsly_server.check.rules import check_rules
from bugsly_server.check.selection import Selection
from bugsly_server.check.source_files import SourceFinder, read_sources
from bugsly_server.check.unchecked import UncheckedPath

Sources = Mapping[Path, bytes]
"""The contents of files."""


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a run has to say."""

    findings: tuple[CheckFinding, ...]
    """By file and line."""
    known_findings: int
    """Wanted ones that the baseline knows."""
    checked_files: int
    problems: tuple[UncheckedPath, ...]
    notes: tuple[str, ...] = ()

    @property
    def fixable(self) -> int:
        """Return how many findings have a fix."""
        return sum(finding.rewrite is not None for finding in self.findings)


@dataclass(frozen=True, slots=True)
class CheckRun:
    """What a run is asked for."""

    selection: Selection
    baseline: Baseline | None
    unread: tuple[UncheckedPath, ...]
    """What was left out before."""
    cache_folder: Path | None
    """None for a run that remembers nothing."""

    def check(self, sources: Sources) -> CheckReport:
        """Return what is reported of *sources*: what is wanted, and not in the baseline."""
        result = (
            check_sources(sources, check_rules())
            if self.cache_folder is None
            else check_with_cache(sources, check_rules(), self.cache_folder)
        )
        wanted = [finding for finding in result.findings if self.selection.wants(finding)]
        new = wanted if self.baseline is None else self.baseline.unknown(wanted)
        return CheckReport(
            findings=tuple(new),
            known_findings=len(wanted) - len(new),
            checked_files=result.checked_files,
            problems=(*self.unread, *result.problems),
            notes=result.notes,
        )


def collect_sources(
    paths: Iterable[Path], configuration: CheckConfiguration
) -> tuple[dict[Path, bytes], tuple[UncheckedPath, ...]]:
    """Return the sources to check in *paths*, and what is left out."""
    settings = configuration.settings
    finder = SourceFinder(
        root=configuration.folder, exclude=settings.exclude, include_tests=settings.include_tests
    )
    sources, unread = read_sources(finder.find(paths))
    return sources, (*finder.problems, *unread)
