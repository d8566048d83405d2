"""Reads one source file: its functions, each with its own nodes, and the names that it binds."""

from __future__ import annotations

import ast
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bugsly_server.check.problems import UnreadableSource

MAX_SOURCE_BYTES = 1_000_000
"""Larger files are generated."""
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


class Part(ast.Attribute):
    """Some part of a value: an element that a loop gives a name to."""


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
    nodes: list[ast.AST] = field(default_factory=list)
    """In source order."""
    inner: dict[str, SourceFunction] = field(default_factory=dict)
    bound: dict[str, list[ast.expr | None]] = field(default_factory=dict)
    """What is assigned to each local name; None for values that no expression gives."""
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
    def parameters(self) -> frozenset[str]:
        """Return the names of its parameters."""
        arguments = self.node.args
        named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        named += [one for one in (arguments.vararg, arguments.kwarg) if one is not None]
        return frozenset(one.arg for one in named)

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield the nodes around *node* within the function, innermost first."""
        around = self.parents.get(id(node))
        while around is not None:
            yield around
            around = self.parents.get(id(around))


@dataclass(eq=False, slots=True)
class SourceModule:
    """A source file."""

    path: Path
    name: str
    """Dotted, as it is imported."""
    text: str
    tree: ast.Module
    imports: dict[str, str] = field(default_factory=dict)
    """The dotted origin of each imported name."""
    functions: list[SourceFunction] = field(default_factory=list)
    """All of them, also methods and functions within functions."""
    top: dict[str, SourceFunction] = field(default_factory=dict)
    classes: dict[str, SourceClass] = field(default_factory=dict)
    bound: dict[str, list[ast.expr | None]] = field(default_factory=dict)
    """What the module's level assigns to each name."""
    nodes: list[ast.AST] = field(default_factory=list)
    """The nodes outside all functions."""

    @property
    def is_package(self) -> bool:
        """Return whether it is the `__init__.py` of a package."""
        return self.path.name == "__init__.py"


def read_module(path: Path) -> SourceModule:
    """Return the source file at *path*; raise `UnreadableSource` where it cannot be analysed."""
    text = _read_text(path)
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        where = f"line {error.lineno}: " if error.lineno else ""
        raise UnreadableSource(path, f"{where}{error.msg}") from None
    except (ValueError, RecursionError, MemoryError):
        raise UnreadableSource(path, "Python cannot parse it") from None
    module = SourceModule(path=path, name=_module_name(path), text=text, tree=tree)
    try:
        _Reader(module).read()
    except RecursionError:
        raise UnreadableSource(path, "it is nested too deeply") from None
    return module


def _read_text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_SOURCE_BYTES:
            raise UnreadableSource(path, "it is larger than 1 MB, so it is taken for generated")
        with tokenize.open(path) as file:
            return file.read()
    except OSError as error:
        raise UnreadableSource(path, error.strerror or "it cannot be read") from None
    except (UnicodeDecodeError, SyntaxError, LookupError):
        raise UnreadableSource(path, "it is not in the encoding that it declares (UTF-8)") from None


def _module_name(path: Path) -> str:
    parts = [] if path.stem == "__init__" else [path.stem]
    folder = path.parent
    while (folder / "__init__.py").is_file() and folder.name:
        parts.append(folder.name)
        folder = folder.parent
    return ".".join(reversed(parts)) or path.stem


class _Reader:
    """Walks a syntax tree once, and gives each node to the function that it belongs to."""

    def __init__(self, module: SourceModule) -> None:
        self._module = module

    def read(self) -> None:
        for statement in self._module.tree.body:
            self._visit(statement, None, None, None)

    def _visit(
        self,
        node: ast.AST,
        function: SourceFunction | None,
        owner: SourceClass | None,
        parent: ast.AST | None,
    ) -> None:
        """Read *node* in *function*, or in the body of the class *owner*."""
        nodes = self._module.nodes if function is None else function.nodes
        nodes.append(node)
        if function is not None and parent is not None:
            function.parents[id(node)] = parent
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._visit_function(node, function, owner)
                return
            case ast.ClassDef(name=name):
                prefix = f"{function.qualified_name}." if function else ""
                read = SourceClass(f"{prefix}{name}", node)
                self._module.classes[read.qualified_name] = read
                for expression in (*node.decorator_list, *node.bases):
                    self._visit(expression, function, None, node)
                for statement in node.body:
                    self._visit(statement, function, read, node)
                return
        self._bind(node, function, owner)
        for child in ast.iter_child_nodes(node):
            self._visit(child, function, owner, node)

    def _visit_function(
        self, node: FunctionNode, function: SourceFunction | None, owner: SourceClass | None
    ) -> None:
        around = owner.qualified_name if owner else function.qualified_name if function else ""
        read = SourceFunction(
            module=self._module,
            qualified_name=f"{around}.{node.name}" if around else node.name,
            node=node,
            owner=owner,
            outer=function,
        )
        self._module.functions.append(read)
        if owner is not None:
            owner.methods[node.name] = read
        elif function is not None:
            function.inner[node.name] = read
        else:
            self._module.top[node.name] = read
        for decorator in node.decorator_list:
            self._visit(decorator, function, None, None)
        for statement in node.body:
            self._visit(statement, read, None, node)

    def _bind(
        self, node: ast.AST, function: SourceFunction | None, owner: SourceClass | None
    ) -> None:
        """Note the names that *node* binds."""
        match node:
            case ast.Import():
                for name in node.names:
                    local = name.asname or name.name.partition(".")[0]
                    self._module.imports[local] = name.name if name.asname else local
            case ast.ImportFrom():
                origin = self._origin(node)
                for name in node.names:
                    self._module.imports[name.asname or name.name] = f"{origin}.{name.name}"
            case ast.Global() if function is not None:
                function.global_names.update(node.names)
            case _:
                for name, value in _bindings(node):
                    self._bind_name(name, value, function, owner)

    def _bind_name(
        self,
        name: str,
        value: ast.expr | None,
        function: SourceFunction | None,
        owner: SourceClass | None,
    ) -> None:
        if owner is not None:
            if value is not None:
                owner.attributes[name] = value
        elif function is None:
            self._module.bound.setdefault(name, []).append(value)
        else:
            function.bound.setdefault(name, []).append(value)

    def _origin(self, node: ast.ImportFrom) -> str:
        """Return the dotted module that *node* imports from."""
        if not node.level:
            return node.module or ""
        parts = self._module.name.split(".")
        package = parts if self._module.is_package else parts[:-1]
        package = package[: len(package) - node.level + 1]
        return ".".join([*package, *([node.module] if node.module else [])])


def _bindings(node: ast.AST) -> Iterator[tuple[str, ast.expr | None]]:
    """Yield the names that *node* binds, each with the expression of its value."""
    match node:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                yield from _targets(target, value)
        case ast.AnnAssign(target=ast.Name(id=name), value=value) if value is not None:
            yield name, value
        case ast.NamedExpr(target=ast.Name(id=name), value=value):
            yield name, value
        case ast.AugAssign(target=ast.Name(id=name), value=value):
            yield name, value
        case (
            ast.For(target=target, iter=value)
            | ast.AsyncFor(target=target, iter=value)
            | ast.comprehension(target=target, iter=value)
        ):
            yield from _parts(target, value)
        case ast.withitem(context_expr=value, optional_vars=target) if target is not None:
            yield from _targets(target, value)
        case ast.ExceptHandler(name=str(name)):
            yield name, None


def _parts(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr | None]]:
    """Yield the names in *target*, each with the whole *value* that it is a part of."""
    for node in ast.walk(target):
        if isinstance(node, ast.Name):
            yield node.id, Part(value=value, attr="")


def _targets(target: ast.expr, value: ast.expr | None) -> Iterator[tuple[str, ast.expr | None]]:
    match target:
        case ast.Name(id=name):
            yield name, value
        case ast.Tuple(elts=elements) | ast.List(elts=elements):
            for element in elements:
                part = None if value is None else Part(value=value, attr="")
                yield from _targets(element, part)
        case ast.Starred(value=inner):
            yield from _targets(inner, None)
