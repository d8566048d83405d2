"""Reads the source of modules that are loaded, and of nothing else."""

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

from bugsly.own import short_path
from bugsly.probes import process
from bugsly.probes.views import find_view
from bugsly.protocol.evidence import Answer, Source
from bugsly.redact import redact_source

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bugsly.protocol.evidence import Ask

LARGEST = 512_000
"""Bytes of one file."""
MOST = 700_000
"""Bytes of one answer, as JSON: a report has to fit into one item of an envelope."""
STRANGER = "no module of this name is loaded in the worker"
NO_VIEW = "no application of Flask's that is served here answers this endpoint"
GENERATED = "it was not loaded from a file of Python source"
ZIPPED = "it lies in an archive"
MISSING = "its file is gone"
SPECIAL = "it is no regular file"
LARGE = "it is larger than {} kB".format(LARGEST // 1000)  # noqa: UP032 - one constant from another
FULL = "the answer was full without it → ask for it alone"


class Loaded(NamedTuple):
    """A module with what it says it was loaded from."""

    name: str
    file: str


def read_sources(ask: Ask, apps: Iterable[object] = ()) -> Answer:
    """Return the text of the files and modules that *ask* names, and of the views in *apps*."""
    loaded = _loaded()
    sources = []
    room = MOST
    for word in ask.files:
        source = _read_view(word, loaded, apps) if " /" in word else _read(word, loaded.get(word))
        size = len(json.dumps(source.text))
        if size > room:
            source = Source(file=source.file, module=source.module, problem=FULL)
        else:
            room -= size
        sources.append(source)
    return Answer(ask=ask.id, sources=tuple(sources))


def _read_view(endpoint: str, loaded: Mapping[str, Loaded], apps: Iterable[object]) -> Source:
    """Return the source of the module that the view of *endpoint* is defined in."""
    view = find_view(apps, endpoint)
    module = None if view is None else loaded.get(view.file) or loaded.get(view.module)
    if view is None or module is None:
        return Source(file=endpoint, module="", problem=NO_VIEW, views={endpoint: 0})
    return replace(_read(module.name, module), views={endpoint: view.line})


def _loaded() -> dict[str, Loaded]:
    """Return the modules by all names a file of theirs may be asked for by."""
    found: dict[str, Loaded] = {}
    for name, module in list(sys.modules.items()):
        file = vars(module).get("__file__") if type(module) is ModuleType else None
        if isinstance(file, str):
            one = Loaded(name, file)
            found.setdefault(short_path(file), one)
            found[file] = one
    return {**found, **{one.name: one for one in list(found.values())}}


def _read(word: str, loaded: Loaded | None) -> Source:
    if loaded is None:
        return Source(file=word, module="", problem=STRANGER)
    path = Path(loaded.file)
    problem = _obstacle(path)
    if problem:
        return Source(file=loaded.file, module=loaded.name, problem=problem)
    try:
        with path.open("rb") as file:
            text = redact_source(decode(file.read(LARGEST)))
            edited = path.stat().st_mtime > _started()
    except OSError as error:
        return Source(file=loaded.file, module=loaded.name, problem=f"{error.strerror}")
    return Source(file=loaded.file, module=loaded.name, text=text, edited=edited)


def _obstacle(path: Path) -> str:
    """Return why *path* is not to be read, nothing where it is."""
    if path.suffix not in {".py", ".pyw"}:
        return GENERATED
    try:
        found = path.stat()
    except OSError:
        return ZIPPED if any(parent.is_file() for parent in path.parents) else MISSING
    if not stat.S_ISREG(found.st_mode):
        return SPECIAL
    return LARGE if found.st_size > LARGEST else ""


def decode(text: bytes) -> str:
    """Return *text* in the encoding it declares, as Python reads it."""
    try:
        encoding, _ = tokenize.detect_encoding(BytesIO(text).readline)
    except SyntaxError:
        encoding = "utf-8"
    return text.decode(encoding, errors="replace")


def _started() -> float:
    """Return when this process started, on the clock of files."""
    return time.time() - process.age() / 1_000_000
