"""Open files and sockets by name, and files that only the collector closed."""

import gc
import os
import socket
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bugsly.guard import Guards
from bugsly.probes import descriptors
from bugsly.probes.collected_files import MIN_OPEN_FILES, CollectedFiles
from bugsly.probes.descriptors import count_open_descriptors, count_open_files

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


OPENED_FILES = 5
LEFTOVERS = CollectedFiles(Counter, Guards()("test"))


def counts() -> dict[str, int]:
    return {name: one.now for name, one in count_open_descriptors(LEFTOVERS).items()}


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ("/srv/shop/invoice.pdf", "/srv/shop/*.pdf"),
        ("/srv/shop/2026/11/invoice-7.pdf", "/srv/shop/*/*/*.pdf"),
        ("/srv/shop/catalogue", "/srv/shop/*"),
        ("/srv/shop.db (deleted)", "/srv/*.db"),
        (f"{tempfile.gettempdir()}/tmpabc/x.pdf", f"{tempfile.gettempdir()}/*.pdf"),
        ("/dev/null", "/dev/*"),
        ("/memfd:preview-8f3a (deleted)", "/memfd:*"),
    ],
)
def test_files_are_named_by_folder_and_extension(path: str, pattern: str) -> None:
    assert descriptors._pattern(path, tempfile.gettempdir()) == pattern


def test_files_are_counted_without_a_folder_for_temporary_files(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused() -> str:
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", refused)
    with Path("/dev/null").open():
        assert count_open_files()["/dev/*"]


def test_open_files_are_counted(
    opened: ExitStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    for number in range(5):
        opened.enter_context((tmp_path / f"{number}.invoice").open("w"))
    (found,) = [name for name in counts() if name.endswith("*.invoice")]
    assert counts()[found] == 5
    holder = count_open_descriptors(LEFTOVERS)[found].describe(found)
    assert (holder.kind, holder.entry) == ("descriptor", "file")


def connect(opened: ExitStack, times: int) -> tuple[int, list[socket.socket]]:
    listener = opened.enter_context(socket.create_server(("127.0.0.1", 0), backlog=64))
    port = int(listener.getsockname()[1])
    accepted = []
    for _ in range(times):
        opened.enter_context(socket.create_connection(("127.0.0.1", port)))
        accepted.append(opened.enter_context(listener.accept()[0]))
    return port, accepted


def test_sockets_are_named_by_the_port_of_their_peer(
    opened: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(descriptors, "FIRST_EPHEMERAL_PORT", 65_536)
    port, _accepted = connect(opened, OPENED_FILES)
    assert counts()[f"open sockets to port {port}"] == OPENED_FILES


def test_sockets_of_clients_are_counted_without_their_port(
    opened: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(descriptors, "FIRST_EPHEMERAL_PORT", 1)
    connect(opened, OPENED_FILES)
    assert counts()["open sockets of clients"] >= 2 * OPENED_FILES


def test_sockets_whose_peer_has_closed_are_counted(
    opened: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(descriptors, "FIRST_EPHEMERAL_PORT", 65_536)
    port, accepted = connect(opened, OPENED_FILES)
    for connection in accepted:
        connection.close()
    name = f"open sockets to port {port}"
    holder = count_open_descriptors(LEFTOVERS)[name].describe(name)
    assert holder.details == {"close_wait": OPENED_FILES}


def test_without_proc_nothing_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(descriptors, "_targets", lambda: iter(()))
    assert count_open_descriptors(LEFTOVERS) == {}


class PageWithFile:
    """Refers to a file and to itself: only the collector can close the file."""

    def __init__(self, path: Path) -> None:
        self.file = os.open(path, os.O_CREAT)
        self.itself = self

    def __del__(self) -> None:
        os.close(self.file)


def aged(pages: Iterable[PageWithFile]) -> list[PageWithFile]:
    """Return *pages* in the oldest generation, where they wait for a full collection."""
    kept = list(pages)
    gc.collect()
    return kept


def test_files_that_only_the_collector_closes_still_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    leftovers = CollectedFiles(count_open_files, Guards()("test"))

    def pages() -> int:
        found = count_open_descriptors(leftovers)
        return sum(one.now for name, one in found.items() if name.endswith("*.page"))

    first = aged(PageWithFile(tmp_path / f"{number}.page") for number in range(2 * MIN_OPEN_FILES))
    assert pages() == 2 * MIN_OPEN_FILES
    first.clear()
    gc.collect()
    second = aged(PageWithFile(tmp_path / f"{number}.page") for number in range(OPENED_FILES))
    assert pages() == 2 * MIN_OPEN_FILES + OPENED_FILES
    (name,) = [one for one in count_open_descriptors(leftovers) if one.endswith("*.page")]
    holder = count_open_descriptors(leftovers)[name].describe(name)
    assert holder.details == {"closed_by_collector": 2 * MIN_OPEN_FILES}
    second.clear()
    gc.collect()


def test_files_that_code_closes_do_not_count(tmp_path: Path) -> None:
    leftovers = CollectedFiles(count_open_files, Guards()("test"))
    with ExitStack() as opened:
        for number in range(2 * MIN_OPEN_FILES):
            opened.enter_context((tmp_path / f"{number}.page").open("w"))
        count_open_descriptors(leftovers)
    gc.collect()
    assert not leftovers.closed


def test_the_collector_callback_ends_with_its_object() -> None:
    before = len(gc.callbacks)
    leftovers = CollectedFiles(count_open_files, Guards()("test"))
    assert len(gc.callbacks) == before + 1
    del leftovers
    gc.collect()
    gc.collect()
    assert len(gc.callbacks) <= before
