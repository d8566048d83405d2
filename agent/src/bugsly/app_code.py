"""Distinguishes the application's code from library code, and shortens the paths of its lines."""

from __future__ import annotations

import os
import sys
from functools import partial
from types import FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from types import FrameType

PACKAGE_FOLDERS = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
AGENT_FOLDER = os.path.dirname(os.path.abspath(__file__)) + os.sep  # noqa: PTH100, PTH120 - no pathlib here
STDLIB_FOLDER = os.path.dirname(os.__file__) + os.sep  # noqa: PTH120 - as above
"""The standard library; other libraries are recognized by PACKAGE_FOLDERS."""
MAX_DEPTH = 60
"""Frames searched for one of the application, from the innermost."""
MAX_CACHED_FILES = 5_000
"""File names in the cache; generated code may have a new one each time."""

_is_app_cache: dict[str, bool] = {}


def is_app_file(file: object) -> bool:
    """Return whether *file* is the application's: of no library, not ours, and a real file."""
    if type(file) is not str or not file:
        return False
    is_app = _is_app_cache.get(file)
    if is_app is None:
        if len(_is_app_cache) >= MAX_CACHED_FILES:
            _is_app_cache.clear()
        is_app = _is_app_cache[file] = _is_app_path(file)
    return is_app


def _is_app_path(file: str) -> bool:
    if file.startswith("<") or any(part in file for part in PACKAGE_FOLDERS):
        return False
    return not os.path.abspath(file).startswith((STDLIB_FOLDER, AGENT_FOLDER))  # noqa: PTH100 - as above


def app_modules() -> list[ModuleType]:
    """Return the application's imported modules; lazy modules are not loaded."""
    modules = [one for one in list(sys.modules.values()) if type(one) is ModuleType]
    return [one for one in modules if is_app_file(vars(one).get("__file__"))]


def innermost_app_line(frame: FrameType | None) -> tuple[str, int] | None:
    """Return file and line of the innermost application code from *frame* outwards, else None."""
    for _ in range(MAX_DEPTH):
        if frame is None:
            return None
        file = frame.f_code.co_filename
        is_app = _is_app_cache.get(file)
        if is_app or (is_app is None and is_app_file(file)):
            return file, frame.f_lineno
        frame = frame.f_back
    return None


def short_path(file: str) -> str:
    """Return *file* relative to the nearest folder that Python imports from: `shop/views.py`."""
    full_path = os.path.abspath(file)  # noqa: PTH100 - as above
    folders = [os.path.abspath(entry or os.curdir) for entry in [*sys.path, ""]]  # noqa: PTH100
    containing = [one for one in folders if full_path.startswith(one.rstrip(os.sep) + os.sep)]
    if not containing:
        return file
    return full_path[len(max(containing, key=len).rstrip(os.sep)) + 1 :].replace(os.sep, "/")


def format_site(file: str, line: int) -> str:
    """Return the short name of a line: `shop/views.py:12`."""
    return f"{short_path(file)}:{line}"


class Callee(NamedTuple):
    """A function by its dotted name, and where it is defined; no file for one written in C."""

    name: str
    file: str = ""
    line: int = 0

    @property
    def app_site(self) -> str:
        """Return its line where it is the application's, else ''."""
        return format_site(self.file, self.line) if is_app_file(self.file) else ""


def resolve_callee(target: object) -> Callee:
    """Return the function that a call of *target* runs, without running code of its class."""
    for _ in range(MAX_DEPTH):
        if type(target) is partial:
            target = target.func
        elif type(target) is MethodType:
            target = target.__func__
        else:
            break
    if type(target) is FunctionType:
        code = target.__code__
        return Callee(_dotted_name(target), code.co_filename, code.co_firstlineno)
    return Callee(_dotted_name(target if isinstance(target, type) else type(target)))


def _dotted_name(target: FunctionType | type) -> str:
    return f"{target.__module__}.{target.__qualname__}"
