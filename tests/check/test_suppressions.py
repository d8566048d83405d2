"""A comment excepts its line from a rule, or from all."""

from pathlib import Path

import pytest
from tests.support.checked_code import FLASK, check_in

VIEW = f"{FLASK}log = []\n@app.get('/x')\ndef x():\n    log.append(1)"


@pytest.mark.parametrize(
    "comment",
    [
        "# bugsly: ignore",
        "# bugsly: ignore[BG101]",
        "#bugsly:ignore[bg102, BG101]",
        "# noqa  # bugsly: ignore[BG101]: it is a demo",
    ],
)
def test_a_line_with_a_comment_is_left_alone(comment: str, tmp_path: Path) -> None:
    result = check_in(tmp_path, {"shop.py": f"{VIEW}  {comment}\n"})
    assert (result.findings, result.notes) == ((), ())


@pytest.mark.parametrize("comment", ["# bugsly: ignore[BG102]", "# bugsly: ignored", "# ignore"])
def test_another_comment_changes_nothing(comment: str, tmp_path: Path) -> None:
    assert len(check_in(tmp_path, {"shop.py": f"{VIEW}  {comment}\n"}).findings) == 1


def test_a_comment_in_a_string_is_no_comment(tmp_path: Path) -> None:
    source = VIEW.replace("log.append(1)", "log.append('# bugsly: ignore')")
    assert len(check_in(tmp_path, {"shop.py": source}).findings) == 1


def test_the_last_line_of_a_long_call_counts_too(tmp_path: Path) -> None:
    source = VIEW.replace("log.append(1)", "log.append(\n        1\n    )  # bugsly: ignore[BG101]")
    assert check_in(tmp_path, {"shop.py": source}).findings == ()


def test_an_unknown_code_is_said(tmp_path: Path) -> None:
    result = check_in(tmp_path, {"shop.py": f"{VIEW}  # bugsly: ignore[BG101,BG999]\n"})
    (note,) = result.notes
    assert note.startswith(f"{tmp_path / 'shop.py'}:7: the comment ignores BG999, and no rule")
