"""Which distribution a module belongs to, by what lies beside it on disk."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

from bugsly.own import PACKAGES, STDLIB

_INFO = re.compile(r"(?P<name>.+)-(?P<version>[^-]+)\.(dist-info|egg-info)")
MOST_LISTED = 500_000
"""Bytes of a list of installed files that are read."""


class Libraries:
    """Finds distributions and remembers what it found; each costs some file accesses once."""

    def __init__(self) -> None:
        self._found: dict[str, str] = {}

    def of(self, file: str) -> str:
        """Return name and version of the library that *file* is of, empty where it is of none."""
        folder = next((one for one in PACKAGES if one in file), None)
        if folder is None:
            is_python = file.startswith(STDLIB) or not file
            return f"python {platform.python_version()}" if is_python else ""
        site, _, rest = file.rpartition(folder)
        package = rest.partition(os.sep)[0].removesuffix(".py").partition(".")[0]
        place = site + folder
        if place + package not in self._found:
            self._found[place + package] = _search(Path(place), package)
        return self._found[place + package]


def _search(site: Path, package: str) -> str:
    """Return the distribution in *site* that brought *package*, else the name of the package."""
    try:
        known = [(one, found) for one in os.listdir(site) if (found := _INFO.fullmatch(one))]  # noqa: PTH208 - ten times faster
    except OSError:
        return package
    for _, found in known:
        if _plain(found["name"]) == _plain(package):
            return f"{found['name']} {found['version']}"
    for folder, found in known:
        if _brings(site / folder, package):
            return f"{found['name']} {found['version']}"
    return package


def _brings(info: Path, package: str) -> bool:
    """Return whether the list of files of a distribution names *package*."""
    listed = re.compile(rf"^(\.\./)*{re.escape(package)}(/|\.py,|[.\w-]*\.so,)", re.MULTILINE)
    try:
        with (info / "RECORD").open(encoding="utf-8", errors="replace") as record:
            return listed.search(record.read(MOST_LISTED)) is not None
    except OSError:
        return False


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
