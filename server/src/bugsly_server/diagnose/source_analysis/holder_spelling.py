"""Tells how the source of a module spells a holder that the worker knows by its path."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from bugsly_server.diagnose.source_analysis.syntax_trees import constructor_calls_of, last_name

VARIABLE_MARKERS = frozenset({"<closure>", "<default>", "<local>"})
"""What a path contains before a variable of a function."""


@dataclass(frozen=True, slots=True)
class HolderSpelling:
    """How a source may spell a holder: `log` and `views.log`, or `self.seen`."""

    name: str
    closure_of: str
    """The function whose closure or default it is, empty for all others."""
    is_bare: bool
    """Whether it may be spelled without a dot before it."""
    attribute_of: str = ""
    """The instance or class of which it is an attribute; empty for all others."""
    self_nodes: frozenset[int] = frozenset()
    """Ids of the nodes `self` within its own class, where the holder is an instance of it."""
    foreign_self_nodes: frozenset[int] = frozenset()
    """Ids of the nodes `self` and `cls` in unrelated classes."""
    constructor_calls: frozenset[int] = frozenset()
    """Ids of the calls that create the object of which it is an attribute."""

    @classmethod
    def in_module(cls, tree: ast.Module, path: str, module: str) -> HolderSpelling | None:
        """Return how *tree*, the source of *module*, spells the holder at *path*.

        None where the path has no name in it.
        """
        rest = re.sub(r"\[[^\]]{0,500}\]", "", path.removeprefix(module).lstrip("."))
        parts = [part for part in rest.split(".") if part]
        if not parts:
            return None
        is_variable = len(parts) > 2 and parts[-2] in VARIABLE_MARKERS
        unresolved = cls(
            name=parts[-1],
            closure_of=parts[-3] if is_variable else "",
            is_bare=is_variable or len(parts) == 1,
            attribute_of=parts[-2] if len(parts) > 1 and not is_variable else "",
        )
        return unresolved._resolved_in(tree)

    def _resolved_in(self, tree: ast.Module) -> HolderSpelling:
        """Return the spelling with the meaning of `self` in the classes of *tree*."""
        classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
        constructor_calls = (
            constructor_calls_of(self.attribute_of, tree) if self.attribute_of else []
        )
        own_classes = {last_name(call.func) for call in constructor_calls_of(self.name, tree)}
        owner_classes = {self.attribute_of, *(last_name(call.func) for call in constructor_calls)}
        owners = [one for one in classes if one.name in owner_classes]
        bases = {last_name(base) for one in owners for base in one.bases}
        foreign_classes = [one for one in classes if one not in owners and one.name not in bases]
        return replace(
            self,
            self_nodes=frozenset(
                id(node)
                for one in classes
                if one.name in own_classes
                for node in _self_nodes_of(one)
            ),
            foreign_self_nodes=frozenset(
                id(node) for one in foreign_classes if owners for node in _self_nodes_of(one)
            ),
            constructor_calls=frozenset(map(id, constructor_calls)),
        )


def _self_nodes_of(class_node: ast.ClassDef) -> Iterator[ast.AST]:
    """Yield the nodes that stand for an instance or for the class in *class_node*."""
    for node in ast.walk(class_node):
        is_super = isinstance(node, ast.Call) and last_name(node.func) == "super"
        if is_super or (isinstance(node, ast.Name) and node.id in {"self", "cls"}):
            yield node
