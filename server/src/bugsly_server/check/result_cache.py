"""Keeps the results of runs: one over the same files with the same rules has the same result."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from bugsly_server import __version__, check, diagnose, explain
from bugsly_server.check.analysis import CheckResult, check_sources
from bugsly_server.check.module_names import module_name
from bugsly_server.check.rule import CheckRule

MAX_KEPT_RESULTS = 32
ENGINE_FOLDERS = (
    Path(check.__path__[0]),
    Path(diagnose.__path__[0]) / "source_analysis",
    Path(explain.__path__[0]) / "fixes",
)
"""The code that a result follows from."""


def default_cache_folder() -> Path | None:
    """Return the folder for results in the user's cache, None for a user without a home."""
    named = os.environ.get("XDG_CACHE_HOME")
    try:
        base = Path(named) if named else Path.home() / ".cache"
    except RuntimeError:
        return None
    return base / "bugsly" / "check"


def check_with_cache(
    sources: Mapping[Path, bytes], rules: Iterable[CheckRule], folder: Path
) -> CheckResult:
    """Return what *rules* find in *sources*, from *folder* if it was found out before."""
    file = folder / f"{_key(sources)}.json"
    result = _load(file)
    if result is None:
        result = check_sources(sources, rules)
        with suppress(OSError, UnicodeEncodeError):  # a full disk, a name that is no UTF-8
            _store(file, result)
    return result


def _key(sources: Mapping[Path, bytes]) -> str:
    """Return a digest of all that a result follows from: any module may matter to any other."""
    digest = hashlib.blake2b(digest_size=20)
    digest.update(f"{__version__}\0{sys.version}\0".encode())
    for file in sorted(file for folder in ENGINE_FOLDERS for file in folder.rglob("*.py")):
        digest.update(hashlib.blake2b(file.read_bytes()).digest())
    for path, source in sorted(sources.items()):
        for part in (os.fsencode(path), os.fsencode(module_name(path)), source):
            digest.update(hashlib.blake2b(part).digest())
    return digest.hexdigest()


def _load(file: Path) -> CheckResult | None:
    """Return the result in *file*; None where there is none, or where it is damaged."""
    try:
        result: CheckResult = msgspec.json.decode(
            file.read_bytes(), type=CheckResult, dec_hook=_to_path
        )
        file.touch()
    except (OSError, ValueError, RecursionError):
        return None
    return result


def _store(file: Path, result: CheckResult) -> None:
    """Write *result* to *file* in one step, and drop the results that were not used for longest."""
    content = msgspec.json.encode(result, enc_hook=os.fspath)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=file.parent, suffix=".json", delete=False) as written:
        written.write(content)
    Path(written.name).replace(file)
    kept = sorted(file.parent.glob("*.json"), key=lambda path: path.stat().st_mtime)
    for old in kept[:-MAX_KEPT_RESULTS]:
        old.unlink(missing_ok=True)


def _to_path(_type: type, value: Any) -> Path:
    return Path(value)
