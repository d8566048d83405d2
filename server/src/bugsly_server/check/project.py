"""Knows all modules that are checked, and says what a name in one of them stands for."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from bugsly_server.check.module_names import index_modules
from bugsly_server.check.only_instance import only_instance
from bugsly_server.check.source_module import SourceClass, SourceFunction, SourceModule

MAX_DEPTH = 12
"""Steps from a name to what it stands for: assignments may go in a circle."""
MAX_BASES = 4
"""Steps from a class to the base that has a method."""
BUILT_IN_NAMES = frozenset(dir(builtins))


class Binding(NamedTuple):
    """A name that outlives requests: at the level of a module, or of a class."""

    module: SourceModule
    path: str
    """Dotted, within its module."""
    value: ast.expr
    """What it is first set to."""
    scope: SourceFunction | None = None
    """The function that it is a local name or a default value of; None for all others."""

    @property
    def dotted(self) -> str:
        """Return its whole path."""
        return f"{self.module.name}.{self.path}"


class SourceProject:
    """The modules of one run."""

    def __init__(self, modules: Iterable[SourceModule]) -> None:
        self.modules = tuple(modules)
        self.by_name = index_modules(self.modules)

    def resolve(
        self, node: ast.AST | None, module: SourceModule, function: SourceFunction | None
    ) -> str:
        """Return what *node* stands for, dotted, with `()` after calls; empty where unknown.

        `engine.connect` is `sqlalchemy.create_engine().connect` where `engine` was so made.
        """
        return self._resolve(node, module, function, MAX_DEPTH)

    def _resolve(
        self,
        node: ast.AST | None,
        module: SourceModule,
        function: SourceFunction | None,
        depth: int,
    ) -> str:
        if depth == 0:
            return ""
        match node:
            case ast.Name(id=name):
                return self._resolve_name(name, module, function, depth - 1)
            case ast.Attribute(value=value, attr=attribute):
                base = self._resolve(value, module, function, depth - 1)
                return self._canonical(f"{base}.{attribute}", depth - 1) if base else ""
            case ast.Call(func=called):
                base = self._resolve(called, module, function, depth - 1)
                return f"{base}()" if base else ""
            case ast.Await(value=value) | ast.NamedExpr(value=value):
                return self._resolve(value, module, function, depth - 1)
            case _:
                return ""

    def _resolve_name(
        self, name: str, module: SourceModule, function: SourceFunction | None, depth: int
    ) -> str:
        scope = function
        while scope is not None:
            if name in scope.parameters:
                return ""
            if name in scope.inner:
                return f"{module.name}.{scope.inner[name].qualified_name}"
            if scope.binds(name):
                values = scope.bound[name]
                only = values[0] if len(values) == 1 else None
                return self._resolve(only, module, scope, depth)
            scope = scope.outer
        return self._resolve_global(name, module, depth)

    def _resolve_global(self, name: str, module: SourceModule, depth: int) -> str:
        if name in module.imports:
            return self._canonical(module.imports[name], depth)
        if name in module.top or name in module.classes:
            return f"{module.name}.{name}"
        if name in module.bound:
            value = next((one for one in module.bound[name] if one is not None), None)
            is_none = isinstance(value, ast.Constant) and value.value is None
            found = "" if is_none else self._resolve(value, module, None, depth)
            return found or f"{module.name}.{name}"
        return name if name in BUILT_IN_NAMES else ""

    def _canonical(self, dotted: str, depth: int) -> str:
        """Return what *dotted* stands for, where a module of the project defines or imports it."""
        module, rest = self._split(dotted)
        if module is None or not rest or depth <= 0:
            return dotted
        first, _, others = rest.partition(".")
        name, call = first.removesuffix("()"), "()" if first.endswith("()") else ""
        found = self._resolve_global(name, module, depth - 1)
        if not found or found == f"{module.name}.{name}":
            return dotted
        tail = f".{others}" if others else ""
        return self._canonical(f"{found}{call}{tail}", depth - 1)

    def _split(self, dotted: str) -> tuple[SourceModule | None, str]:
        """Return the module that *dotted* begins with, and the rest."""
        head, rest = dotted, ""
        while head:
            if head in self.by_name:
                return self.by_name[head], rest
            head, _, last = head.rpartition(".")
            rest = f"{last}.{rest}" if rest else last
        return None, dotted

    def function_at(self, dotted: str) -> SourceFunction | None:
        """Return the function that *dotted* stands for: also a constructor, or a method."""
        module, rest = self._split(dotted)
        if module is None or not rest:
            return None
        rest = rest.replace("()", "")
        found = module.by_qualified_name.get(rest)
        if found is not None and dotted.endswith("()"):
            return _returned_function(found)
        if found is None and rest in module.classes:
            return module.classes[rest].methods.get("__init__")
        return found

    def class_at(self, dotted: str) -> tuple[SourceModule, SourceClass] | None:
        """Return the class that *dotted* stands for."""
        module, rest = self._split(dotted.removesuffix("()"))
        if module is None or rest not in module.classes:
            return None
        return module, module.classes[rest]

    def method_of(
        self, owner: SourceClass, name: str, module: SourceModule, depth: int = MAX_BASES
    ) -> SourceFunction | None:
        """Return the method *name* of the class *owner*, of *module*: its own, or inherited."""
        if name in owner.methods or depth == 0:
            return owner.methods.get(name)
        for base in owner.node.bases:
            known = self.class_at(self.resolve(base, module, None))
            found = None if known is None else self.method_of(known[1], name, known[0], depth - 1)
            if found is not None:
                return found
        return None

    def binding_of(
        self, node: ast.AST, module: SourceModule, function: SourceFunction
    ) -> Binding | None:
        """Return the module's or the class's name that *node*, in *function*, refers to."""
        match node:
            case ast.Name(id=name):
                if self._is_local(name, function):
                    return None
                return self._global_binding(name, module, MAX_DEPTH)
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=attribute) if function.owner:
                return self._own_binding(function.owner, attribute, module)
            case ast.Attribute(value=value, attr=attribute):
                return self._attribute_binding(value, attribute, module, function)
        return None

    def _own_binding(
        self, owner: SourceClass, attribute: str, module: SourceModule
    ) -> Binding | None:
        """Return the binding of `self.name`: of the class, or of its only instance."""
        value = owner.attributes.get(attribute)
        if value is not None and not self._is_set_on_instances(owner, attribute):
            return Binding(module, f"{owner.qualified_name}.{attribute}", value)
        first = self._initial_value(owner, attribute)
        single = None if first is None else only_instance(owner, module)
        if first is None or single is None:
            return None
        return Binding(module, f"{single}.{attribute}", first)

    def _attribute_binding(
        self, value: ast.expr, attribute: str, module: SourceModule, function: SourceFunction
    ) -> Binding | None:
        """Return the binding of `module.name`, `Class.name`, or `single.name`."""
        if isinstance(value, ast.Name) and self._is_local(value.id, function):
            return None
        found = self.resolve(value, module, function)
        if found in self.by_name:
            return self._global_binding(attribute, self.by_name[found], MAX_DEPTH)
        read = self.class_at(found)
        if read is None:
            return None
        owner_module, owner = read
        if not found.endswith("()") and attribute in owner.attributes:
            path = f"{owner.qualified_name}.{attribute}"
            return Binding(owner_module, path, owner.attributes[attribute])
        single = self.binding_of(value, module, function)
        first = self._initial_value(owner, attribute)
        if single is None or first is None:
            return None
        return Binding(single.module, f"{single.path}.{attribute}", first)

    def _global_binding(self, name: str, module: SourceModule, depth: int) -> Binding | None:
        if depth == 0:
            return None
        if name in module.bound:
            value = next((one for one in module.bound[name] if one is not None), None)
            return None if value is None else Binding(module, name, value)
        origin, _, attribute = module.imports.get(name, "").rpartition(".")
        if origin in self.by_name:
            return self._global_binding(attribute, self.by_name[origin], depth - 1)
        return None

    @staticmethod
    def _is_local(name: str, function: SourceFunction) -> bool:
        scope: SourceFunction | None = function
        while scope is not None:
            if scope.binds(name) or name in scope.parameters or name in scope.inner:
                return True
            scope = scope.outer
        return False

    @staticmethod
    def _is_set_on_instances(owner: SourceClass, attribute: str) -> bool:
        return any(
            attribute == target
            for method in owner.methods.values()
            for target in _attributes_set(method)
        )

    @staticmethod
    def _initial_value(owner: SourceClass, attribute: str) -> ast.expr | None:
        """Return what the constructor of *owner* sets *attribute* to."""
        method = owner.methods.get("__init__")
        for node in method.nodes if method is not None else ():
            match node:
                case ast.Assign(
                    targets=[ast.Attribute(value=ast.Name(id="self"), attr=name)], value=value
                ) if name == attribute:
                    return value
                case ast.AnnAssign(
                    target=ast.Attribute(value=ast.Name(id="self"), attr=name), value=value
                ) if name == attribute and value is not None:
                    return value
        return None


def _attributes_set(method: SourceFunction) -> Iterator[str]:
    """Yield the attributes of `self` that *method* assigns to."""
    for node in method.nodes:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                match target:
                    case ast.Attribute(value=ast.Name(id="self"), attr=name):
                        yield name


def _returned_function(function: SourceFunction) -> SourceFunction | None:
    """Return the function that *function* makes and returns."""
    for node in function.nodes:
        match node:
            case ast.Return(value=ast.Name(id=name)) if name in function.inner:
                return function.inner[name]
    return None
