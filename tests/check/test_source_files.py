"""Folders are walked for the source of the app, and what is left out for another reason is said."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.checked_code import write_files

from bugsly_server.check.source_files import SourceFinder, matches, read_sources
from bugsly_server.errors import NotFound


def found(
    root: Path, *paths: Path, exclude: tuple[str, ...] = (), tests: bool = False
) -> list[str]:
    finder = SourceFinder(root=root, exclude=exclude, include_tests=tests)
    files = finder.find(paths or [root])
    return sorted(file.relative_to(root).as_posix() for file in files)


def problems_in(root: Path) -> list[str]:
    finder = SourceFinder(root=root, exclude=(), include_tests=False)
    _, unread = read_sources(finder.find([root]))
    return [f"{Path(one.path).name}: {one.reason}" for one in (*finder.problems, *unread)]


def test_other_peoples_code_output_hidden_folders_and_tests_are_left_out(tmp_path: Path) -> None:
    names = ["shop/views.py", "app.py", "gunicorn.conf.py"]
    other = [".venv/a.py", "env2/lib/a.py", "node_modules/a.py", "build/a.py", ".git/a.py"]
    other += ["shop/__pycache__/a.py", "shop.egg-info/a.py", "README.md", ".hidden.py"]
    tests = ["tests/a.py", "shop/test_views.py", "shop/views_test.py", "conftest.py"]
    write_files(tmp_path, dict.fromkeys([*names, *other, *tests, "env2/pyvenv.cfg"], ""))
    assert found(tmp_path) == sorted(names)
    assert found(tmp_path, tests=True) == sorted([*names, *tests])
    assert problems_in(tmp_path) == []


def test_what_is_excluded_by_name_or_by_path_is_left_out(tmp_path: Path) -> None:
    names = ["shop/views.py", "shop/old/a.py", "old/a.py", "shop/api_pb2.py", "migrations/x/a.py"]
    write_files(tmp_path, dict.fromkeys(names, ""))
    exclude = ("./shop/old/", "*_pb2.py", "migrations")
    assert found(tmp_path, exclude=exclude) == ["old/a.py", "shop/views.py"]


def test_a_file_that_is_named_is_checked_whatever_its_name(tmp_path: Path) -> None:
    files = write_files(tmp_path, {"tests/test_a.py": "", "run": ""})
    assert found(tmp_path, *files) == ["run", "tests/test_a.py"]


def test_a_file_that_is_named_twice_is_checked_once(tmp_path: Path) -> None:
    (file,) = write_files(tmp_path, {"a.py": ""})
    assert found(tmp_path, file, tmp_path, file) == ["a.py"]


def test_a_path_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"nope.*does not exist → name a file"):
        found(tmp_path, tmp_path / "nope")


def test_links_loops_notebooks_and_pipes_are_said(tmp_path: Path) -> None:
    write_files(tmp_path, {"shop/a.py": "", "notes.ipynb": "{}"})
    (tmp_path / "shop/up").symlink_to(tmp_path)
    (tmp_path / "loop.py").symlink_to("loop.py")
    (tmp_path / "gone.py").symlink_to("nowhere.py")
    os.mkfifo(tmp_path / "pipe.py")
    assert sorted(problems_in(tmp_path)) == [
        "gone.py: No such file or directory",
        "loop.py: Too many levels of symbolic links",
        "notes.ipynb: it is a notebook",
        "pipe.py: it is no regular file",
        "up: it is a link to a folder",
    ]


def test_an_unreadable_folder_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(tmp_path, {"shop/a.py": "", "b.py": ""})
    list_folder = Path.iterdir

    def refuse(folder: Path) -> Iterator[Path]:
        if folder.name == "shop":
            raise PermissionError(errno.EACCES, "Permission denied")
        return list_folder(folder)

    monkeypatch.setattr(Path, "iterdir", refuse)  # root could read it
    assert problems_in(tmp_path) == ["shop: Permission denied"]
    assert found(tmp_path) == ["b.py"]


@pytest.mark.parametrize(
    ("pattern", "is_match"),
    [
        ("views.py", True),
        ("shop", True),
        ("shop/*.py", True),
        ("shop/views.py", True),
        ("views", False),
        ("web/views.py", False),
        ("*", True),
    ],
)
def test_a_pattern_fits_a_name_or_a_path(pattern: str, *, is_match: bool, tmp_path: Path) -> None:
    assert matches(tmp_path / "shop/views.py", pattern, tmp_path) is is_match
