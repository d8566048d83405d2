"""`bugsly erase-user`, on a data folder and through a server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.events import payload
from tests.support.running_server import RunningServer, running_server
from tests.support.site_harness import site_harness

from bugsly_server.cli import main
from bugsly_server.clock import now
from bugsly_server.store.meta import accounts, projects
from bugsly_server.store.ports import SpoolEntry

ADA = "ada@example.com"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder that knows Ada, and that no server uses."""
    with site_harness(tmp_path, now) as site:
        event = payload(1, user={"id": ADA})
        site.server.pipeline.digest([SpoolEntry(site.project.id, site.clock(), "event", event)])
    return tmp_path


def test_it_says_what_it_erased_and_may_be_run_again(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["erase-user", ADA, "--project", "shop", "--data-dir", str(folder)]
    assert main(command) == 0
    expected = "shop: 3 rows erased (events 2, waiting 0, tags 1, answers 0, texts 0)\n"
    assert capsys.readouterr().out == expected
    assert main(command) == 0
    assert "shop: 0 rows erased" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([ADA, "--project", "none"], "project: 'none' does not exist"),
        ([" ", "--project", "shop"], "user: no id, name, mail or IP address"),
    ],
)
def test_what_it_cannot_erase_is_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], problem: str
) -> None:
    assert main(["erase-user", *arguments, "--data-dir", str(folder)]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert problem in line


def test_a_folder_without_data_stays_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["erase-user", ADA, "--data-dir", str(tmp_path / "none")]) == 2
    assert "holds no data of Bugsly" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


@pytest.fixture
def served(folder: Path) -> Iterator[RunningServer]:
    with running_server(folder) as server:
        yield server


def test_a_running_server_erases_by_its_url(
    served: RunningServer,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert main(["erase-user", ADA, "--project", "shop", "--data-dir", str(folder)]) == 2
    assert "give its URL with --url" in capsys.readouterr().err
    database = served.server.store.database
    with database.writing() as connection:
        owner = accounts.create(connection, "ada", None, now())
        monkeypatch.setenv("BUGSLY_TOKEN", accounts.make_token(connection, owner.id, "t", now()))
        assert projects.by_slug(connection, "shop") is not None
    url = f"http://127.0.0.1:{served.port}"
    assert main(["erase-user", ADA, "--project", "shop", "--url", url]) == 0
    assert "shop: 3 rows erased (events 2" in capsys.readouterr().out
    assert main(["erase-user", ADA, "--project", "none", "--url", url]) == 2
    assert "project: 'none' does not exist" in capsys.readouterr().err
