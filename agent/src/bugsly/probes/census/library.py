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
        place, beside = site + folder, os.path.dirname(rest) or rest  # noqa: PTH120 - no pathlib here
        if place + beside not in self._found:
            self._found[place + beside] = _search(Path(place), rest)
        return self._found[place + beside]


def _search(site: Path, file: str) -> str:
    """Return the distribution in *site* that brought *file*, else the name of its package.

    Several may have brought the package, where it is a namespace.
    """
    package = file.partition(os.sep)[0].partition(".")[0]
    try:
        known = [(one, found) for one in os.listdir(site) if (found := _INFO.fullmatch(one))]  # noqa: PTH208 - ten times faster
    except OSError:
        return package
    for _, found in known:
        if _plain(found["name"]) == _plain(package):
            return f"{found['name']} {found['version']}"
    inside = re.compile(rf"^(\.\./)*{re.escape(package)}(/|\.py,|[.\w-]*\.so,)", re.MULTILINE)
    best = package
    for folder, found in known:
        listed = _listed(site / folder)
        if f"\n{file}," in f"\n{listed}":
            return f"{found['name']} {found['version']}"
        if best == package and inside.search(listed):
            best = f"{found['name']} {found['version']}"
    return best


def _listed(info: Path) -> str:
    """Return the list of the files that a distribution brought."""
    try:
        with (info / "RECORD").open(encoding="utf-8", errors="replace") as record:
            return record.read(MOST_LISTED)
    except OSError:
        return ""


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
