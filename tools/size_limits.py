"""Fails on a file of more than 300 lines or a function of more than 40: nobody is excepted."""

import ast
import sys
from pathlib import Path

MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 40
GENERATED_FOLDER = "migrations"


def main(roots: list[str]) -> int:
    """Print what is too long below *roots*; return 1 if anything is."""
    found = [path for root in roots for path in sorted(_files(Path(root)))]
    faults = [
        fault
        for path in found
        if GENERATED_FOLDER not in path.parts
        for fault in _shape_faults(path)
    ]
    for fault in faults:
        sys.stdout.write(f"{fault}\n")
    return 1 if faults else 0


def _files(root: Path) -> list[Path]:
    return [root] if root.is_file() else list(root.rglob("*.py"))


def _shape_faults(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    lines = text.count("\n")
    faults = [f"{path}: {lines} lines, {MAX_FILE_LINES} allowed"] if lines > MAX_FILE_LINES else []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > MAX_FUNCTION_LINES:
                where = f"{path}:{node.lineno} {node.name}"
                faults.append(f"{where}: {length} lines, {MAX_FUNCTION_LINES} allowed")
    return faults


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
