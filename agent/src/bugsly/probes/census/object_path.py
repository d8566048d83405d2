"""Paths from a root to an object, for the census to show them and to find the object again.

A path holds names and plain keys, never an object on the path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from bugsly.introspection import type_internals
from bugsly.introspection.path_text import checksum, is_showable_key

if TYPE_CHECKING:
    from collections.abc import Callable

    Fetch = Callable[[Any, str, Any], Any]

ATTRIBUTE, ENTRY, CLOSURE, DEFAULT = "attribute", "entry", "closure", "default"
THREAD = "thread"
MAX_KEY_LENGTH = 200
_SCALARS = (str, int, bytes, float, bool, type(None))


class KeyPlaceholder(NamedTuple):
    """Position and type of a key that must be neither kept nor compared."""

    position: int
    type_name: str


class ObjectPath(NamedTuple):
    """The last step and the path before it; a root has no parent, and its key is its name."""

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
        """Return the path to each object on this path, the root first."""
        return [self] if self.parent is None else [*self.parent.steps, self]

    @property
    def root(self) -> str:
        """Return the name of the root."""
        return str(self.key) if self.parent is None else self.parent.root

    def resolve(self, root: Any, fetch: Fetch) -> Any:
        """Return the object at the end of the path from *root*, None if a step is gone."""
        if self.parent is None or root is None:
            return root
        owner = self.parent.resolve(root, fetch)
        return None if owner is None else fetch(owner, self.edge, self.key)


def storable_key(key: Any, index: int) -> object:
    """Return *key* if it is plain and short, else a placeholder."""
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
    return f"[<{type(key).__name__}> {checksum(repr(key))}]"
