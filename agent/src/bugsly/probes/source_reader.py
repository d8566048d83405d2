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

from bugsly.app_code import short_path
from bugsly.probes import process
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


def read_sources(probe_request: ProbeRequest, apps: Iterable[object] = ()) -> ProbeResult:
    """Return the source of the files, modules and views (of *apps*) that *probe_request* names."""
    loaded = _modules_by_name()
    sources = []
    budget = MAX_RESULT_BYTES
    for name in probe_request.files:
        source = (
            _read_view(name, loaded, apps) if " /" in name else _read_module(name, loaded.get(name))
        )
        size = len(json.dumps(source.text))
        if size > budget:
            source = ModuleSource(file=source.file, module=source.module, problem=RESULT_FULL)
        else:
            budget -= size
        sources.append(source)
    return ProbeResult(ask=probe_request.id, sources=tuple(sources))


def _read_view(
    endpoint: str, loaded: Mapping[str, LoadedModule], apps: Iterable[object]
) -> ModuleSource:
    """Return the source of the module that defines the view of *endpoint*."""
    view = find_view(apps, endpoint)
    module = None if view is None else loaded.get(view.file) or loaded.get(view.module)
    if view is None or module is None:
        return ModuleSource(file=endpoint, module="", problem=NO_VIEW, views={endpoint: 0})
    return replace(_read_module(module.name, module), views={endpoint: view.line})


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


def _read_module(name: str, loaded: LoadedModule | None) -> ModuleSource:
    if loaded is None:
        return ModuleSource(file=name, module="", problem=NOT_LOADED)
    path = Path(loaded.file)
    problem = _read_problem(path)
    if problem:
        return ModuleSource(file=loaded.file, module=loaded.name, problem=problem)
    try:
        with path.open("rb") as file:
            text = redact_source(decode_source(file.read(MAX_SOURCE_BYTES)))
            edited = path.stat().st_mtime > _process_start_time()
    except OSError as error:
        return ModuleSource(file=loaded.file, module=loaded.name, problem=f"{error.strerror}")
    return ModuleSource(file=loaded.file, module=loaded.name, text=text, edited=edited)


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
