"""Writes down what others rely on, so that a change of it is seen as a diff."""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.support import documents, earlier_data_folder, stable_values

FOLDER = Path(__file__).parents[1] / "tests" / "golden"
GOLDEN: Mapping[str, Callable[[Path], str]] = {
    "json_shapes.txt": documents.render,
    "promises.txt": lambda _: stable_values.render(),
    "old_folder.json": earlier_data_folder.render,
}
"""Files of FOLDER, and what makes the text of each in an empty folder."""


def main() -> None:
    """Write each of them."""
    for name, render in GOLDEN.items():
        with tempfile.TemporaryDirectory(prefix="bugsly-golden-") as scratch:
            (FOLDER / name).write_text(render(Path(scratch)), encoding="utf-8")


if __name__ == "__main__":
    main()
