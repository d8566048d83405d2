"""The shape of JSON: which keys stand where, and values of which types."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

TYPES = {str: "text", int: "int", float: "float", bool: "bool", type(None): "null"}
NAMED_BY_DATA = frozenset(
    {"data", "details", "facts", "headers", "lost", "statuses", "types", "vars", "views"}
)
"""Keys of mappings whose own keys are data."""


class KeyedByData(dict[str, Any]):
    """A mapping whose keys are data, as the slugs of projects."""


class JsonShape:
    """What several examples of one document have in common."""

    def __init__(self) -> None:
        self._types: defaultdict[str, set[str]] = defaultdict(set)
        self._objects: defaultdict[str, int] = defaultdict(int)
        self._key_counts: defaultdict[tuple[str, str], int] = defaultdict(int)

    def add(self, document: Any) -> None:
        """Take *document* for another example."""
        self._walk("", "", document)

    def lines(self) -> list[str]:
        """Return `path  types` of each place, sorted; a path ends in `?` that may be absent."""
        described = []
        for path in sorted(self._types):
            parent, _, name = path.rpartition(".")
            absent = self._key_counts[parent, name] < self._objects[parent]
            where = f"{path or 'whole'}{'?' if absent and self._key_counts[parent, name] else ''}"
            described.append(f"{where}  {'|'.join(sorted(self._types[path]))}")
        return described

    def _walk(self, path: str, key: str, value: Any) -> None:
        if isinstance(value, dict):
            self._types[path].add("object")
            self._object(path, key, value)
        elif isinstance(value, list):
            self._types[path].add("array")
            for item in value:
                self._walk(f"{path}[]", key, item)
        else:
            self._types[path].add(TYPES[type(value)])

    def _object(self, path: str, key: str, value: Mapping[str, Any]) -> None:
        if isinstance(value, KeyedByData) or key in NAMED_BY_DATA:
            for item in value.values():
                self._walk(f"{path}.*", "*", item)
            return
        self._objects[path] += 1
        for name, item in value.items():
            self._key_counts[path, name] += 1
            self._walk(f"{path}.{name}", name, item)


def shapes(documents: Iterable[tuple[str, Any]]) -> str:
    """Return a line for each place in *documents*, those of one name being examples of it."""
    found: defaultdict[str, JsonShape] = defaultdict(JsonShape)
    for name, document in documents:
        found[name].add(document)
    parts = (f"{name}\n{_indented(shape.lines())}" for name, shape in sorted(found.items()))
    return "\n".join(parts)


def _indented(lines: Iterable[str]) -> str:
    return "".join(f"    {line}\n" for line in lines)
