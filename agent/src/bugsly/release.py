"""Finds the version of the app where nobody set it: what the platform or git says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

RELEASE_VARIABLES = (
    "SENTRY_RELEASE",
    "HEROKU_SLUG_COMMIT",
    "RENDER_GIT_COMMIT",
    "RAILWAY_GIT_COMMIT_SHA",
    "SOURCE_VERSION",
    "GIT_COMMIT",
)


def find_release(environ: Mapping[str, str]) -> str:
    """Return the version, the commit of the working folder at last; '' where neither is known."""
    for variable in RELEASE_VARIABLES:
        if environ.get(variable):
            return environ[variable]
    try:
        return _git_head(Path.cwd())
    except (OSError, ValueError):
        return ""


def _git_head(folder: Path) -> str:
    """Return the commit checked out in *folder* or above it, shortened to 12 digits, else ''."""
    repositories = (parent / ".git" for parent in (folder, *folder.parents))
    git = next((one for one in repositories if one.exists()), None)
    if git is None:
        return ""
    if git.is_file():
        git = git.parent / _read_line(git).removeprefix("gitdir: ")
    head = _read_line(git / "HEAD")
    return (_resolve_ref(git, head[5:]) if head.startswith("ref: ") else head)[:12]


def _resolve_ref(git: Path, ref: str) -> str:
    """Return the commit of *ref*; a linked worktree says in `commondir` where refs are kept."""
    ref_folder = git / _read_line(git / "commondir") if (git / "commondir").exists() else git
    if (ref_folder / ref).exists():
        return _read_line(ref_folder / ref)
    for line in (ref_folder / "packed-refs").read_text(encoding="utf-8").splitlines():
        if line.endswith(f" {ref}"):
            return line.split()[0]
    return ""


def _read_line(file: Path) -> str:
    return file.read_text(encoding="utf-8").strip()
