"""The way from a root to a thing: to be read by a person, and to be walked again.

A path holds names and plain keys, never a thing it passes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

from bugsly.probes.census import type_internals

if TYPE_CHECKING:
    from collections.abc import Callable

    Fetch = Callable[[Any, str, Any], Any]

ATTRIBUTE, ENTRY, CLOSURE, DEFAULT = "attribute", "entry", "closure", "default"
THREAD = "thread"
MAX_SHOWN_INT = 100_000
MAX_KEY_LENGTH = 200
MAX_PATH_TEXT_LENGTH = 200
_SHOWABLE_KEY = re.compile(r"(?!.*(\d{5}|[0-9a-fA-F-]{12}))[A-Za-z_][\w.:/ -]{0,39}")
"""Keys that are shown. Others, as addresses of people and session ids, are nobody's business."""
_SCALARS = (str, int, bytes, float, bool, type(None))


class KeyPlaceholder(NamedTuple):
    """Stands for a key that must not be kept or compared: how-manieth it is, and what it is."""

    position: int
    type_name: str


class ObjectPath(NamedTuple):
    """One step, and the path before it; a root has no step before it, and its key is its name."""

    parent: ObjectPath | None
    edge: str
    key: object

    @property
    def text(self) -> str:
        """Return the path as `shop.views.request_log['a'].<closure>.seen`."""
        return "".join(step.step_text for step in self.steps)

    @property
    def step_text(self) -> str:
        """Return the text of the last step alone."""
        return str(self.key) if self.parent is None else _format_step(self.edge, self.key)

    @property
    def steps(self) -> list[ObjectPath]:
        """Return the path to each thing on the way, the root first."""
        return [self] if self.parent is None else [*self.parent.steps, self]

    @property
    def root(self) -> str:
        """Return the name of the root."""
        return str(self.key) if self.parent is None else self.parent.root

    def resolve(self, root: Any, fetch: Fetch) -> Any:
        """Return the thing at the end, found again from *root*; None where the way is gone."""
        if self.parent is None or root is None:
            return root
        owner = self.parent.resolve(root, fetch)
        return None if owner is None else fetch(owner, self.edge, self.key)


def shorten(text: str) -> str:
    """Return *text* with its middle cut out where it is long, still telling it from others."""
    if len(text) <= MAX_PATH_TEXT_LENGTH:
        return text
    return f"{text[: MAX_PATH_TEXT_LENGTH - 52]}…{_checksum(text)}…{text[-40:]}"


def storable_key(key: Any, index: int) -> object:
    """Return *key* where it is plain and short, else its place."""
    if _is_storable(key):
        return key
    return KeyPlaceholder(
        index, type_internals.full_name(key if issubclass(type(key), type) else type(key))
    )


def _is_storable(key: Any) -> bool:
    kind = type(key)
    if kind is str or kind is bytes:
        return len(key) <= MAX_KEY_LENGTH
    if kind is tuple:
        return len(key) <= 8 and all(map(_is_storable, key))
    return any(kind is scalar for scalar in _SCALARS)


def _format_step(edge: str, key: Any) -> str:
    if edge == ATTRIBUTE:
        return f".{key}"
    if edge == THREAD:
        return f".<thread {key[0]}>.{key[1]}"
    if edge in {CLOSURE, DEFAULT}:
        return f".<{edge}>.{key}"
    if type(key) is KeyPlaceholder:
        return f"[<{key.type_name}> {key.position}]"
    if is_showable_key(key):
        return f"[{key!r}]"
    return f"[<{type(key).__name__}> {_checksum(repr(key))}]"


def is_showable_key(key: object) -> bool:
    """Return whether *key* names something rather than somebody."""
    if type(key) is str:
        return _SHOWABLE_KEY.fullmatch(key) is not None
    return key is None or (type(key) is int and abs(key) < MAX_SHOWN_INT)


def _checksum(text: str) -> str:
    return f"{crc32(text.encode(errors='replace')):08x}"
