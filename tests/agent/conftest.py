from collections.abc import Iterator

import pytest
from tests.support.fake_server import FakeServer
from tests.support.sender_harness import SenderHarness

from bugsly import sender as senders
from bugsly import server_reply as replies
from bugsly.integrations.wsgi import CURRENT_REQUEST


@pytest.fixture(autouse=True)
def _no_request_stays_in_progress() -> Iterator[None]:
    """Leave no request behind, as of a test that does not close its response, for later tests."""
    yield
    CURRENT_REQUEST.set(None)


@pytest.fixture
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let senders give up and try again in no time."""
    monkeypatch.setattr(replies, "FIRST_RETRY_SECONDS", 0.02)
    monkeypatch.setattr(replies, "MAX_RETRY_SECONDS", 0.1)
    monkeypatch.setattr(senders, "MAX_RETRY_SECONDS", 0.1)
    monkeypatch.setattr(senders, "TIMEOUT_SECONDS", 0.3)
    monkeypatch.setattr(senders, "LAST_TIMEOUT_SECONDS", 0.3)


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as running:
        yield running


@pytest.fixture
def post(server: FakeServer) -> Iterator[SenderHarness]:
    sending = SenderHarness(server.dsn)
    sending.sender.start()
    yield sending
    sending.sender.close(5)
