import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.site_harness import site_harness

from bugsly_server.store.private_files import make_private


@pytest.fixture
def loose_umask() -> Iterator[None]:
    """Let what the test makes be readable to all."""
    before = os.umask(0)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, str]:
    """Return the modes of the folder and of all in it."""
    paths = [folder, *folder.rglob("*")]
    return {str(path.relative_to(folder)): f"{path.stat().st_mode & 0o777:o}" for path in paths}


def assert_private(folder: Path) -> None:
    found = modes(folder)
    assert {"meta.db", "meta.db-wal", "meta.db-shm", "spool.db-wal", "server.lock"} <= set(found)
    assert any(name.startswith("telemetry/") and name.endswith(".db") for name in found)
    for name, mode in found.items():
        assert mode == ("700" if (folder / name).is_dir() else "600"), name


@pytest.mark.usefixtures("loose_umask")
def test_what_a_server_stores_is_its_owners_only(tmp_path: Path) -> None:
    with site_harness(tmp_path / "kept") as site:
        site.report()
        assert_private(tmp_path / "kept")


@pytest.mark.usefixtures("loose_umask")
def test_what_an_earlier_server_left_open_is_closed_at_the_start(tmp_path: Path) -> None:
    with site_harness(tmp_path) as site:
        site.report()
    for path in (tmp_path, *tmp_path.rglob("*")):
        path.chmod(0o777)
    with site_harness(tmp_path) as site:
        site.report()
        assert_private(tmp_path)


def test_files_of_others_and_what_links_lead_to_are_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    theirs = [folder / "app.py", folder / "app.db", tmp_path / "passwd"]
    for path in theirs:
        path.touch()
        path.chmod(0o755)
    (folder / "meta.db").symlink_to(tmp_path / "passwd")
    make_private(folder)
    assert [path.stat().st_mode & 0o777 for path in theirs] == [0o755] * 3
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_all_share_stays_open_to_all(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    (tmp_path / "spool.db").touch(0o666)
    make_private(tmp_path)
    assert modes(tmp_path) == {".": "777", "spool.db": "600"}
