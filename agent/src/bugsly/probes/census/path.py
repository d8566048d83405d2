"""The way from a root to a thing: to be read by a person, and to be walked again.

A path holds names and plain keys, never a thing it passes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

from bugsly.probes.census import raw

if TYPE_CHECKING:
    from collections.abc import Callable

    Fetch = Callable[[Any, str, Any], Any]

ATTRIBUTE, ENTRY, CLOSURE, DEFAULT = "attribute", "entry", "closure", "default"
THREAD = "thread"
MAX_SHOWN = 100_000
LONGEST_KEPT = 200
LONGEST_NAME = 200
_WORD = re.compile(r"(?!.*(\d{5}|[0-9a-fA-F-]{12}))[A-Za-z_][\w.:/ -]{0,39}")
"""Keys that are shown. Others, as addresses of people and session ids, are nobody's business."""
_SCALARS = (str, int, bytes, float, bool, type(None))


class Place(NamedTuple):
    """Stands for a key that must not be kept or compared: how-manieth it is, and what it is."""

    position: int
    what: str


class Path(NamedTuple):
    """One step, and the path before it; a root has no step before it, and its key is its name."""

    before: Path | None
    how: str
    key: object

    @property
    def text(self) -> str:
        """Return the path as `shop.views.request_log['a'].<closure>.seen`."""
        return "".join(step.step for step in self.steps)

    @property
    def step(self) -> str:
        """Return the text of the last step alone."""
        return str(self.key) if self.before is None else _step(self.how, self.key)

    @property
    def steps(self) -> list[Path]:
        """Return the path to each thing on the way, the root first."""
        return [self] if self.before is None else [*self.before.steps, self]

    @property
    def root(self) -> str:
        """Return the name of the root."""
        return str(self.key) if self.before is None else self.before.root

    def follow(self, root: Any, fetch: Fetch) -> Any:
        """Return the thing at the end, found again from *root*; None where the way is gone."""
        if self.before is None or root is None:
            return root
        owner = self.before.follow(root, fetch)
        return None if owner is None else fetch(owner, self.how, self.key)


def shortened(text: str) -> str:
    """Return *text* with its middle cut out where it is long, still telling it from others."""
    if len(text) <= LONGEST_NAME:
        return text
    return f"{text[: LONGEST_NAME - 52]}…{_mark(text)}…{text[-40:]}"


def key_of(key: Any, index: int) -> object:
    """Return *key* where it is plain and short, else its place."""
    if _is_plain(key):
        return key
    return Place(index, raw.full_name(key if issubclass(type(key), type) else type(key)))


def _is_plain(key: Any) -> bool:
    kind = type(key)
    if kind is str or kind is bytes:
        return len(key) <= LONGEST_KEPT
    if kind is tuple:
        return len(key) <= 8 and all(map(_is_plain, key))
    return any(kind is scalar for scalar in _SCALARS)


def _step(how: str, key: Any) -> str:
    if how == ATTRIBUTE:
        return f".{key}"
    if how == THREAD:
        return f".<thread {key[0]}>.{key[1]}"
    if how in {CLOSURE, DEFAULT}:
        return f".<{how}>.{key}"
    if type(key) is Place:
        return f"[<{key.what}> {key.position}]"
    if is_shown(key):
        return f"[{key!r}]"
    return f"[<{type(key).__name__}> {_mark(repr(key))}]"


def is_shown(key: object) -> bool:
    """Return whether *key* names something rather than somebody."""
    if type(key) is str:
        return _WORD.fullmatch(key) is not None
    return key is None or (type(key) is int and abs(key) < MAX_SHOWN)


def _mark(text: str) -> str:
    return f"{crc32(text.encode(errors='replace')):08x}"
