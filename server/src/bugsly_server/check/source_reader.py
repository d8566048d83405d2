"""Reads the text of a source file into a `SourceModule`."""

from __future__ import annotations

import ast
import io
import tokenize
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bugsly_server.check.module_names import module_name
from bugsly_server.check.source_module import (
    FunctionNode,
    SourceClass,
    SourceFunction,
    SourceModule,
)
from bugsly_server.check.unchecked import UnreadableSource
from bugsly_server.explain.fixes.source_edits import split_lines

MAX_NESTING = 150
"""Levels of a syntax tree: hand-written code has up to forty, and all who walk one recurse."""
BINDING_NODES = (
    *(ast.Assign, ast.AnnAssign, ast.AugAssign, ast.NamedExpr, ast.For, ast.AsyncFor),
    *(ast.comprehension, ast.withitem, ast.ExceptHandler, ast.Import, ast.ImportFrom, ast.Global),
)
EXCLUDE_IT = "exclude it in [tool.bugsly.check]"


def decode_source(source: bytes) -> str:
    """Return the text of *source*; raise `UnreadableSource` where its encoding is wrong."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
        return io.TextIOWrapper(io.BytesIO(source), encoding).read()
    except (UnicodeDecodeError, SyntaxError, LookupError):
        raise UnreadableSource(
            "it is not in the encoding that it declares, or in UTF-8", "save it as UTF-8"
        ) from None


def read_module(path: Path, source: bytes) -> SourceModule:
    """Return the module in the file *path*; raise `UnreadableSource` if it cannot be analysed."""
    text = decode_source(source)
    tree = _parse(text)
    module = SourceModule(path, module_name(path), text, split_lines(text), tree)
    reader = _Reader(module)
    for statement in tree.body:
        reader.visit(statement, _Place(), 0)
    return module


def _parse(text: str) -> ast.Module:
    try:
        with warnings.catch_warnings(action="ignore"):
            return ast.parse(text)
    except SyntaxError as error:
        where = f"line {error.lineno}: " if error.lineno else ""
        raise UnreadableSource(
            f"{where}{error.msg}",
            f"correct it, run bugsly on the Python it is written for, or {EXCLUDE_IT}",
        ) from None
    except (ValueError, RecursionError, MemoryError):
        raise UnreadableSource("Python cannot parse it", EXCLUDE_IT) from None


class _Place(NamedTuple):
    """Where a node stands."""

    function: SourceFunction | None = None
    owner: SourceClass | None = None
    """The class in whose body it stands."""
    parent: ast.AST | None = None


class _Binding(NamedTuple):
    """A name, and the expression of its value."""

    name: str
    value: ast.expr | None
    """None where no expression gives it."""
    is_part: bool = False
    """Whether the name is only a part of the value."""


class _Reader:
    """Walks a syntax tree once, and gives each node to the function that it belongs to."""

    def __init__(self, module: SourceModule) -> None:
        self._module = module

    def visit(self, node: ast.AST, place: _Place, depth: int) -> None:
        """Read *node* and what is in it."""
        if depth > MAX_NESTING:
            raise UnreadableSource(
                f"it is nested more than {MAX_NESTING} levels deep, so it is taken for generated",
                EXCLUDE_IT,
            )
        function, owner, parent = place
        (self._module if function is None else function).nodes.append(node)
        if function is not None and parent is not None:
            function.parents[id(node)] = parent
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._visit_function(node, place, depth)
            case ast.ClassDef():
                self._visit_class(node, place, depth)
            case _:
                if isinstance(node, BINDING_NODES):
                    self._bind(node, place)
                inside = _Place(function, owner, node)
                for child in ast.iter_child_nodes(node):
                    if not isinstance(child, ast.expr_context):
                        self.visit(child, inside, depth + 1)

    def _visit_class(self, node: ast.ClassDef, place: _Place, depth: int) -> None:
        function = place.function
        prefix = f"{function.qualified_name}." if function else ""
        read = SourceClass(f"{prefix}{node.name}", node)
        self._module.classes[read.qualified_name] = read
        for expression in (*node.decorator_list, *node.bases):
            self.visit(expression, _Place(function, None, node), depth + 1)
        for statement in node.body:
            self.visit(statement, _Place(function, read, node), depth + 1)

    def _visit_function(self, node: FunctionNode, place: _Place, depth: int) -> None:
        function, owner, _ = place
        around = owner.qualified_name if owner else function.qualified_name if function else ""
        read = SourceFunction(
            module=self._module,
            qualified_name=f"{around}.{node.name}" if around else node.name,
            node=node,
            owner=owner,
            outer=function,
            parameters=_parameters(node.args),
        )
        self._module.functions.append(read)
        self._module.by_qualified_name.setdefault(read.qualified_name, read)
        if owner is not None:
            owner.methods[node.name] = read
        elif function is not None:
            function.inner[node.name] = read
        else:
            self._module.top[node.name] = read
        for decorator in node.decorator_list:
            self.visit(decorator, _Place(function), depth + 1)
        for statement in node.body:
            self.visit(statement, _Place(read, None, node), depth + 1)

    def _bind(self, node: ast.AST, place: _Place) -> None:
        """Note the names that *node* binds."""
        match node:
            case ast.Import(names=aliases):
                for alias in aliases:
                    local = alias.asname or alias.name.partition(".")[0]
                    self._module.imports[local] = alias.name if alias.asname else local
            case ast.ImportFrom(names=aliases):
                origin = self._origin(node)
                for alias in aliases:
                    self._module.imports[alias.asname or alias.name] = f"{origin}.{alias.name}"
            case ast.Global(names=names) if place.function is not None:
                place.function.global_names.update(names)
            case _:
                for binding in _bindings(node):
                    self._bind_name(binding, place)

    def _bind_name(self, binding: _Binding, place: _Place) -> None:
        name, value, is_part = binding
        whole = None if is_part else value
        if place.owner is not None:
            if whole is not None:
                place.owner.attributes[name] = whole
        elif place.function is None:
            self._module.bound.setdefault(name, []).append(whole)
        else:
            place.function.bound.setdefault(name, []).append(whole)
            if is_part and value is not None:
                place.function.wholes.setdefault(name, []).append(value)

    def _origin(self, node: ast.ImportFrom) -> str:
        """Return the dotted module that *node* imports from."""
        if not node.level:
            return node.module or ""
        parts = self._module.name.split(".")
        package = parts if self._module.is_package else parts[:-1]
        package = package[: len(package) - node.level + 1]
        return ".".join([*package, *([node.module] if node.module else [])])


def _parameters(arguments: ast.arguments) -> frozenset[str]:
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    named += [rest for rest in (arguments.vararg, arguments.kwarg) if rest is not None]
    return frozenset(argument.arg for argument in named)


def _bindings(node: ast.AST) -> Iterator[_Binding]:
    """Yield the names that *node* binds."""
    match node:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                yield from _targets(target, value)
        case (
            ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            | ast.NamedExpr(target=ast.Name(id=name), value=value)
            | ast.AugAssign(target=ast.Name(id=name), value=value)
        ):
            yield _Binding(name, value)
        case ast.For() | ast.AsyncFor() | ast.comprehension():
            yield from _parts(node.target, node.iter)
        case ast.withitem(context_expr=value, optional_vars=ast.expr() as target):
            yield from _targets(target, value)
        case ast.ExceptHandler(name=str(name)):
            yield _Binding(name, None)


def _targets(target: ast.expr, value: ast.expr) -> Iterator[_Binding]:
    match target:
        case ast.Name(id=name):
            yield _Binding(name, value)
        case ast.Tuple() | ast.List():
            yield from _parts(target, value)


def _parts(target: ast.expr, value: ast.expr) -> Iterator[_Binding]:
    """Yield the names in *target*, each of which is given a part of *value*."""
    for node in ast.walk(target):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield _Binding(node.id, value, is_part=True)
