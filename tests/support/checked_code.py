"""Writes source files and says what `bugsly check` finds in them."""

from collections.abc import Mapping
from pathlib import Path

from bugsly_server.check.analysis import CheckResult, check_files
from bugsly_server.check.rules import check_rules

FLASK = "from flask import Flask, request\n\napp = Flask(__name__)\n"


def write_files(folder: Path, files: Mapping[str, str | bytes]) -> list[Path]:
    """Write *files*, contents by path, below *folder*, and return their paths."""
    paths = []
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        paths.append(path)
    return paths


def check_in(folder: Path, files: Mapping[str, str | bytes]) -> CheckResult:
    return check_files(write_files(folder, files), check_rules())


def places(folder: Path, files: Mapping[str, str | bytes]) -> list[str]:
    """Return `BG101 shop/views.py:12` for each finding in *files*."""
    return [
        f"{found.code} {found.path.relative_to(folder).as_posix()}:{found.line}"
        for found in check_in(folder, files).findings
    ]
