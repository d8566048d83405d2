"""Fails on a file of more than 300 lines or a function of more than 40, in Python and in C.

`make check` runs it. There are no exceptions but for generated migrations.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 40
GENERATED_FOLDER = "migrations"
SUFFIXES = {".py", ".c", ".h"}
C_FUNCTION = re.compile(r"^\w[^;{}#]*?(\w+)\([^;{}#]*\)\s*\{$.*?^\}$", re.MULTILINE | re.DOTALL)
"""From the return type at the start of a line to the closing brace at the start of a line."""


def main(roots: list[str]) -> int:
    """Print what is too long below *roots*; return 1 if anything is."""
    found = [path for root in roots for path in sorted(_files(Path(root)))]
    faults = [
        fault for path in found if GENERATED_FOLDER not in path.parts for fault in _faults(path)
    ]
    for fault in faults:
        sys.stdout.write(f"{fault}\n")
    return 1 if faults else 0


def _files(root: Path) -> list[Path]:
    if root.is_file():
        return [root] if root.suffix in SUFFIXES else []
    return [path for path in root.rglob("*") if path.suffix in SUFFIXES]


def _faults(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    lines = text.count("\n")
    faults = [f"{path}: {lines} lines, {MAX_FILE_LINES} allowed"] if lines > MAX_FILE_LINES else []
    functions = _python_functions if path.suffix == ".py" else _c_functions
    for line, name, length in functions(text):
        if length > MAX_FUNCTION_LINES:
            faults.append(f"{path}:{line} {name}: {length} lines, {MAX_FUNCTION_LINES} allowed")
    return faults


def _python_functions(text: str) -> Iterator[tuple[int, str, int]]:
    """Yield first line, name and number of lines of each function."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.lineno, node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def _c_functions(text: str) -> Iterator[tuple[int, str, int]]:
    """Yield first line, name and number of lines of each function."""
    for match in C_FUNCTION.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, match[1], match[0].count("\n") + 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
