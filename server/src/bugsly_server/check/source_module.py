"""A source file as the rules look at it: its functions, each with its own nodes, and its names."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(eq=False, slots=True)
class SourceClass:
    """A class, and the functions in it."""

    qualified_name: str
    node: ast.ClassDef
    methods: dict[str, SourceFunction] = field(default_factory=dict)
    attributes: dict[str, ast.expr] = field(default_factory=dict)
    """What its body assigns to each name."""


@dataclass(eq=False, slots=True)
class SourceFunction:
    """A function, with the nodes of its body and not of the functions within it."""

    module: SourceModule
    qualified_name: str
    """Within its module: `index`, `Orders.get`, `create_app.index`."""
    node: FunctionNode
    owner: SourceClass | None
    outer: SourceFunction | None
    parameters: frozenset[str]
    nodes: list[ast.AST] = field(default_factory=list)
    """In source order."""
    inner: dict[str, SourceFunction] = field(default_factory=dict)
    bound: dict[str, list[ast.expr | None]] = field(default_factory=dict)
    """What is assigned to each local name; None for a part of a value, and for an exception."""
    wholes: dict[str, list[ast.expr]] = field(default_factory=dict)
    """The values of which each local name is a part: unpacked, or gone through by a loop."""
    global_names: set[str] = field(default_factory=set)
    parents: dict[int, ast.AST] = field(default_factory=dict)
    """The node around each of its nodes, by id."""
    varying: frozenset[str] = frozenset()
    """Its parameters that may differ from request to request."""

    @property
    def name(self) -> str:
        """Return its own name."""
        return self.node.name

    @property
    def text(self) -> str:
        """Return its source."""
        return "\n".join(self.module.lines[self.node.lineno - 1 : self.node.end_lineno])

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield the nodes around *node* within the function, innermost first."""
        around = self.parents.get(id(node))
        while around is not None:
            yield around
            around = self.parents.get(id(around))

    def binds(self, name: str) -> bool:
        """Return whether *name* is assigned to within the function."""
        return name in self.bound and name not in self.global_names


@dataclass(eq=False, slots=True)
class SourceModule:
    """A source file."""

    path: Path
    name: str
    """Dotted, as it is imported."""
    text: str
    lines: list[str]
    tree: ast.Module
    imports: dict[str, str] = field(default_factory=dict)
    """The dotted origin of each imported name."""
    functions: list[SourceFunction] = field(default_factory=list)
    """All of them, also methods and functions within functions."""
    by_qualified_name: dict[str, SourceFunction] = field(default_factory=dict)
    """The first of each name."""
    top: dict[str, SourceFunction] = field(default_factory=dict)
    classes: dict[str, SourceClass] = field(default_factory=dict)
    bound: dict[str, list[ast.expr | None]] = field(default_factory=dict)
    """What the module's level assigns to each name; None for a part of a value."""
    nodes: list[ast.AST] = field(default_factory=list)
    """The nodes outside all functions."""

    @property
    def is_package(self) -> bool:
        """Return whether it is the `__init__.py` of a package."""
        return self.path.name == "__init__.py"

    @property
    def scopes(self) -> Iterator[tuple[SourceFunction | None, Sequence[ast.AST]]]:
        """Yield each function with its nodes, and None with those outside all functions."""
        yield None, self.nodes
        for function in self.functions:
            yield function, function.nodes
