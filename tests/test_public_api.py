import pytest
from tools.public_api import FOLDER, PACKAGES, render

import bugsly


@pytest.mark.parametrize("package", PACKAGES)
def test_the_public_names_are_those_written_down(package: str) -> None:
    written = (FOLDER / f"{package}.txt").read_text(encoding="utf-8")
    assert render(package) == written, "the public API has changed → make api, and review the diff"


def test_the_public_names_are_sorted() -> None:
    assert bugsly.__all__ == sorted(bugsly.__all__)
