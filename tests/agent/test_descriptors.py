import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bugsly.probes import descriptors
from bugsly.probes.descriptors import count_descriptors

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


SOME = 5


def counts() -> dict[str, int]:
    return {name: one.now for name, one in count_descriptors().items()}


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ("/srv/shop/invoice.pdf", "/srv/shop/*.pdf"),
        ("/srv/shop/2026/11/invoice-7.pdf", "/srv/shop/*/*/*.pdf"),
        ("/srv/shop/catalogue", "/srv/shop/*"),
        ("/srv/shop.db (deleted)", "/srv/*.db"),
        (f"{tempfile.gettempdir()}/tmpabc/x.pdf", f"{tempfile.gettempdir()}/*.pdf"),
        ("/dev/null", "/dev/*"),
    ],
)
def test_files_are_told_by_where_they_lie_and_how_they_end(path: str, pattern: str) -> None:
    assert descriptors._pattern(path) == pattern


def test_open_files_are_counted(
    opened: ExitStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    for number in range(5):
        opened.enter_context((tmp_path / f"{number}.invoice").open("w"))
    (found,) = [name for name in counts() if name.endswith("*.invoice")]
    assert counts()[found] == 5
    holder = count_descriptors()[found].describe(found)
    assert (holder.kind, holder.entry) == ("descriptor", "file")


def connect(opened: ExitStack, times: int) -> tuple[int, list[socket.socket]]:
    listener = opened.enter_context(socket.create_server(("127.0.0.1", 0), backlog=64))
    port = int(listener.getsockname()[1])
    accepted = []
    for _ in range(times):
        opened.enter_context(socket.create_connection(("127.0.0.1", port)))
        accepted.append(opened.enter_context(listener.accept()[0]))
    return port, accepted


def test_sockets_are_told_by_the_port_at_their_other_end(
    opened: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(descriptors, "EPHEMERAL", 65_536)
    port, _accepted = connect(opened, SOME)
    assert counts()[f"open sockets to port {port}"] == SOME


def test_what_came_to_us_has_no_port_worth_a_name(
    opened: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(descriptors, "EPHEMERAL", 1)
    connect(opened, SOME)
    assert counts()["open sockets of clients"] >= 2 * SOME


def test_sockets_whose_other_end_is_closed_are_told(
    opened: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(descriptors, "EPHEMERAL", 65_536)
    port, accepted = connect(opened, SOME)
    for one in accepted:
        one.close()
    name = f"open sockets to port {port}"
    holder = count_descriptors()[name].describe(name)
    assert holder.details == {"close_wait": SOME}


def test_without_proc_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(descriptors, "_targets", lambda: iter(()))
    assert count_descriptors() == {}
