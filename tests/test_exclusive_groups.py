"""Tests that would disturb each other stay in one worker of pytest-xdist."""

from pathlib import Path

import pytest
from tests.support.exclusive_groups import EXCLUSIVE_GROUPS, group_of

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("start", EXCLUSIVE_GROUPS)
def test_what_a_group_names_is_there(start: str) -> None:
    file, _, test = start.partition("::")
    assert (ROOT / file).exists()
    assert not test or f"def {test}" in (ROOT / file).read_text(encoding="utf-8")


def test_tests_of_a_browser_are_one_group_and_other_tests_are_alone() -> None:
    assert group_of("tests/browser/test_live.py::test_a") == "browser"
    assert group_of("tests/sdk/test_browser.py::test_b[x@y]") == "browser"
    assert group_of("tests/cli/test_run.py::test_c") == "tests/cli/test_run.py::test_c"
