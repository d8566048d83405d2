"""Tells the application's own code from that of libraries, and names lines the short way."""

from __future__ import annotations

import os
import sys
from functools import partial
from types import FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from types import FrameType

PACKAGES = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
OURS = os.path.dirname(os.path.abspath(__file__)) + os.sep  # noqa: PTH100, PTH120 - no pathlib here
STDLIB = os.path.dirname(os.__file__) + os.sep  # noqa: PTH120 - as above
"""The standard library; where others lie, the name of their folder tells."""
DEEPEST = 60
"""Frames that are looked at, from the innermost, for one of the application's own."""
MOST_FILES = 5_000
"""File names remembered; generated code may have a new one each time."""

_own: dict[str, bool] = {}


def is_own(file: object) -> bool:
    """Return whether code from *file* is the application's: no library's, not ours, not made up."""
    if type(file) is not str or not file:
        return False
    known = _own.get(file)
    if known is None:
        if len(_own) >= MOST_FILES:
            _own.clear()
        known = _own[file] = _judge(file)
    return known


def _judge(file: str) -> bool:
    if file.startswith("<") or any(part in file for part in PACKAGES):
        return False
    return not os.path.abspath(file).startswith((STDLIB, OURS))  # noqa: PTH100 - as above


def own_modules() -> list[ModuleType]:
    """Return the application's modules that are imported; no lazy one is woken."""
    modules = [one for one in list(sys.modules.values()) if type(one) is ModuleType]
    return [one for one in modules if is_own(vars(one).get("__file__"))]


def own_line(frame: FrameType | None) -> tuple[str, int] | None:
    """Return file and line of the innermost own code from *frame* outwards, None without any."""
    for _ in range(DEEPEST):
        if frame is None:
            return None
        file = frame.f_code.co_filename
        own = _own.get(file)
        if own or (own is None and is_own(file)):
            return file, frame.f_lineno
        frame = frame.f_back
    return None


def short_path(file: str) -> str:
    """Return *file* below the nearest folder that Python imports from, as `shop/views.py`."""
    whole = os.path.abspath(file)  # noqa: PTH100 - as above
    folders = [os.path.abspath(entry or os.curdir) for entry in [*sys.path, ""]]  # noqa: PTH100
    above = [one for one in folders if whole.startswith(one.rstrip(os.sep) + os.sep)]
    if not above:
        return file
    return whole[len(max(above, key=len).rstrip(os.sep)) + 1 :].replace(os.sep, "/")


def site_of(file: str, line: int) -> str:
    """Return the short name of a line, as `shop/views.py:12`."""
    return f"{short_path(file)}:{line}"


class Callee(NamedTuple):
    """A function by its dotted name, and where it is defined; no place for one written in C."""

    name: str
    file: str = ""
    line: int = 0

    @property
    def own_site(self) -> str:
        """Return its line where it is the application's, else nothing."""
        return site_of(self.file, self.line) if is_own(self.file) else ""


def callee_of(thing: object) -> Callee:
    """Return what is called where *thing* is, without running any code of its class."""
    for _ in range(DEEPEST):
        if type(thing) is partial:
            thing = thing.func
        elif type(thing) is MethodType:
            thing = thing.__func__
        else:
            break
    if type(thing) is FunctionType:
        code = thing.__code__
        return Callee(_dotted(thing), code.co_filename, code.co_firstlineno)
    return Callee(_dotted(thing if isinstance(thing, type) else type(thing)))


def _dotted(thing: FunctionType | type) -> str:
    return f"{thing.__module__}.{thing.__qualname__}"
