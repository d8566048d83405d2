"""Reads the source of loaded modules for a probe request, and of no other file."""

from __future__ import annotations

import json
import stat
import sys
import time
import tokenize
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

from bugsly.app_code import is_app_file, short_path
from bugsly.probes import process
from bugsly.probes.census.census_roots import flask_packages
from bugsly.probes.view_lookup import find_view
from bugsly.protocol.evidence import ModuleSource, ProbeResult
from bugsly.redact import redact_source

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bugsly.protocol.evidence import ProbeRequest

MAX_SOURCE_BYTES = 512_000
"""Bytes of one file."""
MAX_RESULT_BYTES = 700_000
"""Size of one result as JSON: a report has to fit into one item of an envelope."""
NOT_LOADED = "no module of this name is loaded in the worker"
NO_VIEW = "no Flask application that is served here has a view for this endpoint"
OF_LIBRARY = (
    "it belongs to a library, and the worker is set to send the app's own source only"
    " → set BUGSLY_LIBRARY_SOURCES=on in the app"
)
NOT_PYTHON_SOURCE = "it was not loaded from a file of Python source"
IN_ARCHIVE = "it is in an archive"
FILE_MISSING = "its file is gone"
NOT_REGULAR_FILE = "it is no regular file"
FILE_TOO_LARGE = "it is larger than {} kB".format(MAX_SOURCE_BYTES // 1000)  # noqa: UP032 - one constant from another
RESULT_FULL = "the result was full without it → ask for it alone"


class LoadedModule(NamedTuple):
    """A module, and the file that it was loaded from."""

    name: str
    file: str


def read_sources(
    probe_request: ProbeRequest, apps: Mapping[str, object], *, with_libraries: bool
) -> ProbeResult:
    """Return the source of the files, modules and views (of *apps*) that *probe_request* names.

    Only *with_libraries* it is that of any other module than the application's own.
    """
    loaded = _modules_by_name()
    own_packages = None if with_libraries else flask_packages(apps)
    sources = []
    budget = MAX_RESULT_BYTES
    for name in probe_request.files:
        source = (
            _read_view(name, loaded, apps.values(), own_packages)
            if " /" in name
            else _read_module(name, loaded.get(name), own_packages)
        )
        size = len(json.dumps(source.text))
        if size > budget:
            source = ModuleSource(file=source.file, module=source.module, problem=RESULT_FULL)
        else:
            budget -= size
        sources.append(source)
    return ProbeResult(ask=probe_request.id, sources=tuple(sources))


def _read_view(
    endpoint: str,
    loaded: Mapping[str, LoadedModule],
    apps: Iterable[object],
    own_packages: frozenset[str] | None,
) -> ModuleSource:
    """Return the source of the module that defines the view of *endpoint*."""
    view = find_view(apps, endpoint)
    module = None if view is None else loaded.get(view.file) or loaded.get(view.module)
    if view is None or module is None:
        return ModuleSource(file=endpoint, module="", problem=NO_VIEW, views={endpoint: 0})
    return replace(_read_module(module.name, module, own_packages), views={endpoint: view.line})


def _modules_by_name() -> dict[str, LoadedModule]:
    """Return the loaded modules by file, short path and name."""
    found: dict[str, LoadedModule] = {}
    for name, module in list(sys.modules.items()):
        file = vars(module).get("__file__") if type(module) is ModuleType else None
        if isinstance(file, str):
            loaded = LoadedModule(name, file)
            found.setdefault(short_path(file), loaded)
            found[file] = loaded
    return {**found, **{one.name: one for one in list(found.values())}}


def _read_module(
    name: str, loaded: LoadedModule | None, own_packages: frozenset[str] | None
) -> ModuleSource:
    """Return the source of a module; of none outside *own_packages*, unless that is None."""
    if loaded is None:
        return ModuleSource(file=name, module="", problem=NOT_LOADED)
    path = Path(loaded.file)
    is_readable = own_packages is None or _is_own(loaded, own_packages)
    problem = _read_problem(path) if is_readable else OF_LIBRARY
    if problem:
        return ModuleSource(file=loaded.file, module=loaded.name, problem=problem)
    try:
        with path.open("rb") as file:
            text = redact_source(decode_source(file.read(MAX_SOURCE_BYTES)))
            edited = path.stat().st_mtime > _process_start_time()
    except OSError as error:
        return ModuleSource(file=loaded.file, module=loaded.name, problem=f"{error.strerror}")
    return ModuleSource(file=loaded.file, module=loaded.name, text=text, edited=edited)


def _is_own(loaded: LoadedModule, own_packages: frozenset[str]) -> bool:
    """Return whether a module is the application's, also where that is installed as a package."""
    return is_app_file(loaded.file) or loaded.name.partition(".")[0] in own_packages


def _read_problem(path: Path) -> str:
    """Return why *path* cannot be read, else an empty text."""
    if path.suffix not in {".py", ".pyw"}:
        return NOT_PYTHON_SOURCE
    try:
        found = path.stat()
    except OSError:
        return IN_ARCHIVE if any(parent.is_file() for parent in path.parents) else FILE_MISSING
    if not stat.S_ISREG(found.st_mode):
        return NOT_REGULAR_FILE
    return FILE_TOO_LARGE if found.st_size > MAX_SOURCE_BYTES else ""


def decode_source(text: bytes) -> str:
    """Return *text* in the encoding it declares, as Python reads it."""
    try:
        encoding, _ = tokenize.detect_encoding(BytesIO(text).readline)
    except SyntaxError:
        encoding = "utf-8"
    return text.decode(encoding, errors="replace")


def _process_start_time() -> float:
    """Return when this process started, on the clock of files."""
    return time.time() - process.age() / 1_000_000
