"""Reads what `[tool.bugsly.check]` in `pyproject.toml` says."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from bugsly_server.errors import Misconfigured, NotFound

TABLE = "[tool.bugsly.check]"


class CheckSettings(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"
):
    """The settings; codes may be the beginnings of codes, such as `BG2`."""

    select: tuple[str, ...] = ()
    """The rules that are asked; empty for all."""
    ignore: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    """Names or paths of files and folders, with `*` and `?`."""
    per_file_ignores: dict[str, tuple[str, ...]] = {}
    """Codes that are ignored, by name or path of files."""
    include_tests: bool = False
    baseline: str | None = None
    """A file of findings that are known."""


class CheckConfiguration(NamedTuple):
    """Settings, and where they are from."""

    folder: Path
    """What paths in them start from."""
    settings: CheckSettings

    @property
    def baseline_file(self) -> Path | None:
        """Return the file of known findings."""
        named = self.settings.baseline
        return None if named is None else self.folder / named


def load_configuration(named: Path | None, paths: Sequence[Path]) -> CheckConfiguration:
    """Return the settings in *named*, or in the nearest `pyproject.toml` around *paths* with any.

    Raises `Misconfigured` for a file or a value that cannot be used.
    """
    if named is not None:
        table = _table(named)
        if table is None:
            raise Misconfigured(f"{named}: it has no {TABLE} → add one, or leave out --config")
        return CheckConfiguration(named.absolute().parent, _settings(named, table))
    first = paths[0].absolute()
    for folder in (first, *first.parents):
        file = folder / "pyproject.toml"
        table = _table(file) if file.is_file() else None
        if table is not None:
            return CheckConfiguration(folder, _settings(file, table))
    return CheckConfiguration(Path.cwd(), CheckSettings())


def _table(file: Path) -> Any:
    """Return the table of this command in *file*, None where there is none."""
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise NotFound(f"{file}: {error.strerror} → name a file that can be read") from None
    except (ValueError, RecursionError) as error:
        raise Misconfigured(f"{file}: it is no valid TOML: {error} → correct it") from None
    table: Any = document
    for name in ("tool", "bugsly", "check"):
        table = table.get(name) if isinstance(table, dict) else None
    return table


def _settings(file: Path, table: Any) -> CheckSettings:
    try:
        return msgspec.convert(table, CheckSettings)
    except msgspec.ValidationError as error:
        names = ", ".join(CheckSettings.__struct_encode_fields__)
        raise Misconfigured(f"{file}: {TABLE}: {error} → it may have {names}") from None
