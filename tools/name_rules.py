"""Fails on names that tell a reader too little; `make check` runs it.

* No two public classes of the agent, the server and the tools have the same name.
* Nothing but the variable of a comprehension is called `one`.
* A bound names what it bounds: `MAX_FRAMES`, not `MOST`.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

BARE_BOUNDS = frozenset({"MOST", "LEAST", "LONGEST", "LARGEST", "EVERY"})
FREE_CLASS_NAMES = ("tests", "labs")
"""Folders whose classes may be called like others: fakes, and small apps."""


def main(roots: list[str]) -> int:
    """Print each name below *roots* that breaks a rule; return 1 if any does."""
    paths = [path for root in roots for path in _python_files(Path(root))]
    problems = find_problems({str(path): path.read_text(encoding="utf-8") for path in paths})
    for problem in problems:
        sys.stdout.write(f"{problem}\n")
    return 1 if problems else 0


def find_problems(sources: Mapping[str, str]) -> list[str]:
    """Return a line for each name in *sources*, texts by path, that breaks a rule."""
    trees = {path: ast.parse(source) for path, source in sources.items()}
    bindings = [
        f"{path}:{line} {name}: {fault}"
        for path, tree in trees.items()
        for line, name in _bindings(tree)
        if (fault := _fault(name))
    ]
    return bindings + _repeated_classes(trees)


def _python_files(root: Path) -> list[Path]:
    return [root] if root.suffix == ".py" else sorted(root.rglob("*.py"))


def _fault(name: str) -> str | None:
    if name == "one":
        return "only the variable of a comprehension may be called so → name what it is"
    if name.lstrip("_") in BARE_BOUNDS:
        return "a bound has to name what it bounds → MAX_… or MIN_…"
    return None


def _repeated_classes(trees: Mapping[str, ast.Module]) -> list[str]:
    places: dict[str, list[str]] = defaultdict(list)
    for path, tree in trees.items():
        if Path(path).parts[0] in FREE_CLASS_NAMES:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(f"{path}:{node.lineno}")
    return [
        f"{found[-1]} {name}: a class has this name already, at {', '.join(found[:-1])}"
        for name, found in places.items()
        if len(found) > 1
    ]


def _bindings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and name of all that *tree* binds, without the variables of comprehensions."""
    comprehensions = [node for node in ast.walk(tree) if isinstance(node, ast.comprehension)]
    own = {id(node) for each in comprehensions for node in ast.walk(each.target)}
    for node in ast.walk(tree):
        if id(node) not in own:
            for name in _bound_names(node):
                yield getattr(node, "lineno", 1), name


def _bound_names(node: ast.AST) -> Iterable[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
            return [name]
        case (
            ast.MatchAs(name=str(name))
            | ast.MatchStar(name=str(name))
            | ast.MatchMapping(rest=str(name))
            | ast.ExceptHandler(name=str(name))
        ):
            return [name]
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Global(names=names) | ast.Nonlocal(names=names):
            return names
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            return [alias.asname or alias.name for alias in aliases]
    return []


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
