"""Source of loaded modules that is read for the server, and of no other file."""

import json
import os
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from importlib import import_module, invalidate_caches
from pathlib import Path
from types import ModuleType

import pytest
from flask import Flask

from bugsly.probes import source_reader
from bugsly.probes.source_reader import (
    FILE_MISSING,
    FILE_TOO_LARGE,
    IN_ARCHIVE,
    MAX_SOURCE_BYTES,
    NOT_LOADED,
    NOT_PYTHON_SOURCE,
    NOT_REGULAR_FILE,
    OF_LIBRARY,
    RESULT_FULL,
    read_sources,
)
from bugsly.protocol.evidence import ModuleSource, ProbeRequest

Write = Callable[..., ModuleType]
TEXT = "def view():\n    return 'käse'\n"


def read_files(*files: str, with_libraries: bool = False) -> tuple[ModuleSource, ...]:
    request = ProbeRequest(id=7, probe="source", files=files)
    result = read_sources(request, {}, with_libraries=with_libraries)
    assert (result.ask, result.problem) == (7, "")
    return result.sources


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Return a function that imports a module of a text from a file that is an hour old."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(tmp_path)

    def write(name: str, text: str = TEXT, *, encoding: str = "utf-8") -> ModuleType:
        path = tmp_path.joinpath(*name.split(".")).with_suffix(".py")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding=encoding)
        os.utime(path, times=(time.time() - 3600,) * 2)
        invalidate_caches()
        return import_module(name)

    yield write
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.mark.parametrize("word", ["stock.views", "stock/views.py", "the whole path"])
def test_a_loaded_module_is_read_by_each_of_its_names(word: str, write: Write) -> None:
    file = str(write("stock.views").__file__)
    (source,) = read_files(file if word == "the whole path" else word)
    assert source == ModuleSource(file=file, module="stock.views", text=TEXT)


@pytest.mark.parametrize(
    "word",
    [
        "/etc/passwd",
        "../../../etc/passwd",
        "stock/../secrets.py",
        "./stock/views.py",
        "stock.settings",
        "stock/secrets.py",
        "",
        "\0",
        "builtins",
    ],
)
def test_what_is_not_loaded_is_never_read(word: str, write: Write, tmp_path: Path) -> None:
    write("stock.views")
    (tmp_path / "stock" / "secrets.py").write_text("KEY = 'sesame'")
    (tmp_path / "secrets.py").write_text("KEY = 'sesame'")
    (source,) = read_files(word)
    assert source == ModuleSource(file=word, module="", problem=NOT_LOADED)


def test_a_module_that_names_another_file_does_not_open_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secrets.env"
    secret.write_text("KEY=sesame")
    liar = ModuleType("liar")
    liar.__file__ = str(secret)
    monkeypatch.setitem(sys.modules, "liar", liar)
    (source,) = read_files("liar")
    assert (source.text, source.problem) == ("", NOT_PYTHON_SOURCE)


def test_a_file_changed_after_the_start_is_reported_as_edited(write: Write) -> None:
    module = write("edited")
    assert not read_files("edited")[0].edited
    Path(str(module.__file__)).write_text("changed = True\n")
    (source,) = read_files("edited")
    assert (source.edited, source.text) == (True, "changed = True\n")


def test_the_encoding_that_a_file_declares_is_used(write: Write) -> None:
    write("latin", "# coding: latin-1\nNAME = 'käse'\n", encoding="latin-1")
    assert "käse" in read_files("latin")[0].text


def test_a_file_that_is_gone_is_a_problem(write: Write) -> None:
    Path(str(write("gone").__file__)).unlink()
    assert read_files("gone")[0].problem == FILE_MISSING


def test_a_file_that_became_a_pipe_is_not_opened(write: Write) -> None:
    path = Path(str(write("piped").__file__))
    path.unlink()
    os.mkfifo(path)
    assert read_files("piped")[0].problem == NOT_REGULAR_FILE


def test_a_module_in_an_archive_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "app.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("zipped.py", TEXT)
    monkeypatch.syspath_prepend(archive)
    monkeypatch.setitem(sys.modules, "zipped", import_module("zipped"))
    assert read_files("zipped")[0].problem == IN_ARCHIVE


def test_a_file_that_is_too_large_is_a_problem(write: Write) -> None:
    write("large", "#" * MAX_SOURCE_BYTES)
    assert read_files("large")[0].problem == ""
    write("larger", "#" * (MAX_SOURCE_BYTES + 1))
    assert read_files("larger")[0].problem == FILE_TOO_LARGE


def test_what_may_not_be_read_is_a_problem(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object) -> None:
        raise PermissionError(13, "Permission denied")

    write("forbidden")
    monkeypatch.setattr(Path, "open", refuse)
    assert read_files("forbidden")[0].problem == "Permission denied"


def test_a_result_fits_into_an_item_whatever_its_sources(write: Write) -> None:
    for number in range(3):
        write(f"wide{number}", "# " + "\N{SNOWMAN}" * 80_000)
    first, second, third = read_files("wide0", "wide1", "wide2")
    assert (first.problem, second.problem, third.problem) == ("", RESULT_FULL, RESULT_FULL)
    assert (
        sum(len(json.dumps(one.text)) for one in (first, second, third))
        <= source_reader.MAX_RESULT_BYTES
    )


def test_the_source_of_a_library_is_sent_only_where_that_is_switched_on() -> None:
    (refused,) = read_files("flask.app")
    assert (refused.module, refused.text, refused.problem) == ("flask.app", "", OF_LIBRARY)
    assert [one.problem for one in read_files("json", "bugsly.app_code")] == [OF_LIBRARY] * 2
    (sent,) = read_files("flask.app", with_libraries=True)
    assert "class Flask" in sent.text


def test_an_app_that_is_installed_as_a_package_is_no_library() -> None:
    app = Flask("jinja2")
    (source,) = read_sources(
        ProbeRequest(id=7, probe="source", files=("jinja2.environment",)),
        {"jinja2:app": app},
        with_libraries=False,
    ).sources
    assert "class Environment" in source.text


def test_the_view_of_a_library_is_not_read_either() -> None:
    app = Flask("shop")
    endpoint = "GET /static/<path:filename>"
    request = ProbeRequest(id=7, probe="source", files=(endpoint,))
    (refused,) = read_sources(request, {"shop:app": app}, with_libraries=False).sources
    assert refused.text == ""
    app.add_url_rule("/env", view_func=json.dumps)
    request = ProbeRequest(id=7, probe="source", files=("GET /env",))
    (refused,) = read_sources(request, {"shop:app": app}, with_libraries=False).sources
    assert (refused.text, refused.problem) == ("", OF_LIBRARY)
