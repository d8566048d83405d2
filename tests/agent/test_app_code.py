import json
import sys
from pathlib import Path

import flask
import pytest

from bugsly import app_code
from bugsly.app_code import format_site, innermost_app_line, is_app_file, short_path

HERE = "tests/agent/test_app_code.py"


@pytest.mark.parametrize(
    ("file", "is_app"),
    [
        (__file__, True),
        ("/srv/shop/views.py", True),
        (flask.__file__, False),
        ("/srv/shop/.venv/lib/python3.11/site-packages/flask/app.py", False),
        ("/usr/lib/python3/dist-packages/six.py", False),
        (json.__file__, False),
        (app_code.__file__, False),
        ("<string>", False),
        ("<frozen importlib._bootstrap>", False),
        ("", False),
        (None, False),
    ],
)
def test_code_is_the_applications_unless_it_is_a_librarys_or_ours(
    *, file: str | None, is_app: bool
) -> None:
    assert is_app_file(file) is is_app


def test_files_are_remembered_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_code, "MAX_CACHED_FILES", 3)
    for number in range(10):
        assert not is_app_file(f"<made up {number}>")
    assert len(app_code._is_app_cache) <= 3


def test_the_innermost_line_of_the_application_is_found_through_a_library() -> None:
    found = []

    def look(_pairs: object) -> None:
        found.append(innermost_app_line(sys._getframe(1)))

    json.loads('{"a": 1}', object_pairs_hook=look)
    assert found == [(__file__, look.__code__.co_firstlineno + 3)]


def test_without_code_of_the_application_there_is_no_line() -> None:
    assert innermost_app_line(None) is None


@pytest.mark.parametrize(
    ("entries", "file", "short"),
    [
        (["/srv/app"], "/srv/app/shop/views.py", "shop/views.py"),
        (["/srv", "/srv/app", "/"], "/srv/app/shop/views.py", "shop/views.py"),
        (["/srv/app/"], "/srv/app/shop/views.py", "shop/views.py"),
        (["/srv/app"], "/srv/application/views.py", "/srv/application/views.py"),
        ([], "<string>", "<string>"),
    ],
)
def test_a_file_is_named_from_the_nearest_folder_of_the_path(
    entries: list[str], file: str, short: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", entries)
    assert short_path(file) == short


def test_a_file_below_the_working_folder_is_named_from_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [])
    assert format_site(str(tmp_path / "shop" / "views.py"), 12) == "shop/views.py:12"
    assert short_path("shop/views.py") == "shop/views.py"


def test_this_very_file_has_a_short_name() -> None:
    assert short_path(__file__) == HERE
