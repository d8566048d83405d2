"""Finds the distribution that installed a file, for descriptions of holders in libraries."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

from bugsly.app_code import PACKAGE_FOLDERS, STDLIB_FOLDER

_METADATA_FOLDER = re.compile(r"(?P<name>.+)-(?P<version>[^-]+)\.(dist-info|egg-info)")
MAX_RECORD_LENGTH = 500_000
"""Characters that are read of a list of installed files."""


class DistributionFinder:
    """Finds distributions and caches them: each takes several file accesses."""

    def __init__(self) -> None:
        self._found: dict[str, str] = {}

    def distribution_of(self, file: str) -> str:
        """Return name and version of the library that installed *file*, empty if none did."""
        folder = next((one for one in PACKAGE_FOLDERS if one in file), None)
        if folder is None:
            is_python = file.startswith(STDLIB_FOLDER) or not file
            return f"python {platform.python_version()}" if is_python else ""
        site, _, rest = file.rpartition(folder)
        site_packages, package_folder = site + folder, os.path.dirname(rest) or rest  # noqa: PTH120 - no pathlib here
        if site_packages + package_folder not in self._found:
            self._found[site_packages + package_folder] = _find_distribution(
                Path(site_packages), rest
            )
        return self._found[site_packages + package_folder]


def _find_distribution(site: Path, file: str) -> str:
    """Return the distribution in *site* that installed *file*, else the name of its package.

    Several distributions may install into one package if it is a namespace.
    """
    package = file.partition(os.sep)[0].partition(".")[0]
    try:
        names = os.listdir(site)  # noqa: PTH208 - ten times faster
        distributions = [
            (name, found) for name in names if (found := _METADATA_FOLDER.fullmatch(name))
        ]
    except OSError:
        return package
    for _, found in distributions:
        if _normalize_name(found["name"]) == _normalize_name(package):
            return f"{found['name']} {found['version']}"
    inside = re.compile(rf"^(\.\./)*{re.escape(package)}(/|\.py,|[.\w-]*\.so,)", re.MULTILINE)
    best = package
    for folder, found in distributions:
        listed = _read_record(site / folder)
        if f"\n{file}," in f"\n{listed}":
            return f"{found['name']} {found['version']}"
        if best == package and inside.search(listed):
            best = f"{found['name']} {found['version']}"
    return best


def _read_record(info: Path) -> str:
    """Return the list of files that a distribution installed."""
    try:
        with (info / "RECORD").open(encoding="utf-8", errors="replace") as record:
            return record.read(MAX_RECORD_LENGTH)
    except OSError:
        return ""


def _normalize_name(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
