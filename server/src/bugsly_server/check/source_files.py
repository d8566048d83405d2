"""Finds the source files to check below folders, and reads them."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path

from bugsly_server.check.rule import printable
from bugsly_server.check.unchecked import UncheckedPath
from bugsly_server.errors import NotFound

MAX_SOURCE_BYTES = 1_000_000
"""Larger files are generated."""
OTHER_FOLDERS = frozenset(
    {"__pycache__", "__pypackages__", "_build", "buck-out", "build", "dist", "env", "node_modules"}
    | {"site-packages", "venv", "virtualenv"}
)
"""Names of folders that hold copies, output, or the code of others."""
TEST_FOLDERS = frozenset({"test", "tests"})
TEST_FILES = re.compile(r"^(test_.*|.*_test|conftest)\.py$")


class SourceFinder:
    """Walks folders, and notes what it has to leave out."""

    def __init__(self, *, root: Path, exclude: Collection[str], include_tests: bool) -> None:
        self._root = root
        self._exclude = exclude
        self._include_tests = include_tests
        self.problems: list[UncheckedPath] = []

    def find(self, paths: Iterable[Path]) -> list[Path]:
        """Return the files to check, each once: *paths* themselves, and what is below folders.

        Raises `NotFound` for a path that does not exist.
        """
        found: dict[Path, Path] = {}
        for path in paths:
            if not os.path.lexists(path):
                raise NotFound(f"{path}: it does not exist → name a file or a folder of source")
            for file in self._walk(path) if _is_folder(path) else self._named(path):
                found.setdefault(file.absolute(), file)
        return list(found.values())

    def _named(self, path: Path) -> Iterator[Path]:
        """Yield a file that was named, whatever it is called, unless it is a notebook."""
        if not self._is_notebook(path):
            yield path

    def _walk(self, folder: Path) -> Iterator[Path]:
        waiting = [folder]
        while waiting:
            for path in self._entries(waiting.pop()):
                if not _is_folder(path):
                    if self._is_wanted_file(path):
                        yield path
                elif self._is_wanted_folder(path):
                    waiting.append(path)

    def _entries(self, folder: Path) -> list[Path]:
        try:
            entries = sorted(folder.iterdir())
        except OSError as error:
            self._note(folder, error.strerror or "it cannot be read", "see that it can be read")
            return []
        return [one for one in entries if not self._is_excluded(one)]

    def _is_wanted_folder(self, path: Path) -> bool:
        is_other = path.name in OTHER_FOLDERS or path.name.endswith(".egg-info")
        is_test = path.name in TEST_FOLDERS and not self._include_tests
        is_environment = os.access(path / "pyvenv.cfg", os.F_OK)
        if path.name.startswith(".") or is_other or is_test or is_environment:
            return False
        if path.is_symlink():
            self._note(path, "it is a link to a folder", "name that folder to check it")
            return False
        return True

    def _is_wanted_file(self, path: Path) -> bool:
        if path.name.startswith(".") or self._is_notebook(path):
            return False
        is_test = TEST_FILES.match(path.name) is not None and not self._include_tests
        return path.suffix == ".py" and not is_test

    def _is_notebook(self, path: Path) -> bool:
        if path.suffix != ".ipynb":
            return False
        self._note(path, "it is a notebook", "export its code: jupyter nbconvert --to script")
        return True

    def _is_excluded(self, path: Path) -> bool:
        return any(matches(path, pattern, self._root) for pattern in self._exclude)

    def _note(self, path: Path, reason: str, advice: str) -> None:
        self.problems.append(UncheckedPath(printable(str(path)), reason, advice))


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


def matches(path: Path, pattern: str, root: Path) -> bool:
    """Return whether *pattern* fits *path*: its name, or its path from *root*, or one around it."""
    try:
        parts = path.absolute().relative_to(root).parts
    except ValueError:
        parts = path.absolute().parts
    paths = ("/".join(parts[: number + 1]) for number in range(len(parts)))
    wanted = pattern.removeprefix("./").rstrip("/")
    return any(fnmatch(one, wanted) for one in (*parts, *paths))


def read_sources(paths: Iterable[Path]) -> tuple[dict[Path, bytes], list[UncheckedPath]]:
    """Return the contents of the files *paths*, and those that cannot be read."""
    sources, problems = {}, []
    for path in paths:
        try:
            source = _read(path)
        except OSError as error:
            reason = error.strerror or "it cannot be read"
            problems.append(UncheckedPath(printable(str(path)), reason, "see that it can be read"))
            continue
        if len(source) > MAX_SOURCE_BYTES:
            reason = "it is larger than 1 MB, so it is taken for generated"
            advice = "exclude it in [tool.bugsly.check]"
            problems.append(UncheckedPath(printable(str(path)), reason, advice))
        else:
            sources[path] = source
    return sources, problems


def _read(path: Path) -> bytes:
    """Return the bytes of *path*, and no more of a large file than shows that it is large."""
    if not path.is_file():
        path.stat()
        raise OSError(None, "it is no regular file")
    with path.open("rb") as file:
        return file.read(MAX_SOURCE_BYTES + 1)
