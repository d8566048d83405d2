"""Writes down the public names of the agent's wheel, so that a change of them is seen as a diff."""

import importlib
import inspect
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "api"
PACKAGES = ("bugsly",)


def render(package: str) -> str:
    """Return one line for each public name of *package*, with its signature."""
    module = importlib.import_module(package)
    return "".join(f"{package}.{_line(name, getattr(module, name))}\n" for name in module.__all__)


def _line(name: str, value: object) -> str:
    if callable(value):
        return f"{name}{inspect.signature(value)}".replace("'", "")
    return f"{name}: {type(value).__name__}"


def main() -> None:
    """Write the file of each package."""
    for package in PACKAGES:
        (FOLDER / f"{package}.txt").write_text(render(package), encoding="utf-8")


if __name__ == "__main__":
    main()
