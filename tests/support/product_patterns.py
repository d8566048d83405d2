"""Finds every regular expression of the product: each call of `re`, each literal like a pattern."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SOURCES = {
    "bugsly": ROOT / "agent" / "src" / "bugsly",
    "bugsly_server": ROOT / "server" / "src" / "bugsly_server",
}
ANCHORED = frozenset({"match", "fullmatch"})
SIGN_OF_PATTERN = re.compile(r"\\[dswbDSWBAZ]|\[\^|\(\?|[.\])][*+]")


@dataclass(frozen=True)
class ProductPattern:
    """A regular expression of the product, and how it is applied."""

    where: str
    pattern: str | bytes
    flags: int = 0
    anchored: bool = False
    """Whether it is tried at the beginning of a text only."""


@cache
def product_patterns() -> list[ProductPattern]:
    """Return all regular expressions, each once."""
    found: dict[tuple[str | bytes, int], ProductPattern] = {}
    for pattern in [*_patterns_of_modules(), *_patterns_of_tables()]:
        known = found.get((pattern.pattern, pattern.flags))
        if known is None or known.anchored:
            found[pattern.pattern, pattern.flags] = pattern
    return list(found.values())


def _patterns_of_tables() -> Iterator[ProductPattern]:
    for file in sorted(ROOT.glob("*/src/**/*.toml")):
        for entry in tomllib.loads(file.read_text(encoding="utf-8")).values():
            yield ProductPattern(file.name, entry["pattern"])


def _patterns_of_modules() -> Iterator[ProductPattern]:
    for package, folder in SOURCES.items():
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            if not {"inject", "__main__", "migrations"} & set(parts):
                name = ".".join([package, *parts]).removesuffix(".__init__")
                yield from _Finder(name, path.read_text(encoding="utf-8")).patterns()


class _Finder:
    """Finds the expressions of one module."""

    def __init__(self, name: str, source: str) -> None:
        self.name = name
        self.source = source
        self.seen: set[ast.AST] = set()

    def patterns(self) -> Iterator[ProductPattern]:
        """Yield those that calls of `re` are given, then all other literals that look like one."""
        tree = ast.parse(self.source)
        targets = {
            node.value: node.targets[0].id
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("re."):
                yield from self._of_call(node, targets.get(node))
            elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("glob"):
                self.seen.update(ast.walk(node))
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant | ast.JoinedStr) and node not in self.seen:
                self.seen.update(ast.walk(node))
                text = self._value(node)
                if isinstance(text, str) and _is_pattern(text):
                    yield ProductPattern(f"{self.name}:{node.lineno}", text)

    def _of_call(self, node: ast.Call, target: str | None) -> Iterator[ProductPattern]:
        method = ast.unparse(node.func).removeprefix("re.")
        pattern = self._value(node.args[0]) if node.args and method != "escape" else None
        if not isinstance(pattern, str | bytes):
            return
        self.seen.update(ast.walk(node.args[0]))
        given = [*node.args[1:], *(word.value for word in node.keywords if word.arg == "flags")]
        flags = [flag for part in given if isinstance(flag := self._value(part), re.RegexFlag)]
        uses = {method}
        if method == "compile":
            uses = set(re.findall(rf"\b{target}\.(\w+)\(", self.source)) or {"search"}
        where = f"{self.name}:{node.lineno}"
        yield ProductPattern(where, pattern, int(flags[0]) if flags else 0, uses <= ANCHORED)

    def _value(self, node: ast.expr) -> object:
        """Return the value of an expression in its module; what only a run knows is a letter."""
        if isinstance(node, ast.Constant):
            return node.value
        names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
        known = vars(import_module(self.name)) if names else {}
        return _evaluate(_Unknown(known).visit(node), known)


class _Unknown(ast.NodeTransformer):
    def __init__(self, known: Mapping[str, Any]) -> None:
        self.known = known

    def visit_FormattedValue(self, node: ast.FormattedValue) -> ast.expr:
        return ast.Constant("x") if _evaluate(node.value, self.known) is None else node


def _evaluate(node: ast.expr, known: Mapping[str, Any]) -> object:
    expression = ast.fix_missing_locations(ast.Expression(node))
    try:
        return eval(compile(expression, "pattern", "eval"), dict(known))
    except (NameError, AttributeError, TypeError):
        return None


def _is_pattern(text: str) -> bool:
    if SIGN_OF_PATTERN.search(text) is None or "\n" in text or len(text) > 2_000:
        return False
    try:
        re.compile(text)
    except re.error:
        return False
    return True
