"""The kinds of channels, and what they load while nothing is sent."""

import subprocess
import sys

import pytest
from tests.support.fake_resolver import guard_allowing
from tests.support.web_server import WebServer

from bugsly_server.alert import channels
from bugsly_server.alert.channels import ChannelKind, apprise, webhook
from bugsly_server.errors import ChannelError

LOADED = (
    "import bugsly_server.http_server, bugsly_server.alert.channels.{kind}, sys;"
    " print(*sys.modules)"
)
EACH: dict[str, ChannelKind] = {"apprise": apprise, "webhook": webhook}


def test_every_file_is_a_kind() -> None:
    assert {name: channels.channel_kind(name) for name in channels.CHANNEL_KINDS} == EACH


@pytest.mark.parametrize("name", ["", "pager", "..message", "os"])
def test_there_are_no_others(name: str) -> None:
    with pytest.raises(
        ChannelError, match="is not a kind of channel → choose from apprise, webhook"
    ):
        channels.channel_kind(name)


@pytest.mark.parametrize("kind", channels.CHANNEL_KINDS)
def test_nothing_expensive_is_loaded_before_something_is_sent(kind: str) -> None:
    command = [sys.executable, "-c", LOADED.format(kind=kind)]
    loaded = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    assert f"bugsly_server.alert.channels.{kind}" in loaded
    assert not {"apprise", "httpx2", "requests", "smtplib"} & set(loaded)


def test_the_test_button_sends_a_test() -> None:
    with WebServer() as server:
        url = server.url
        channels.send_test(
            "webhook", url, guard_allowing("127.0.0.1/32"), "https://bugs.example.com/p/shop/"
        )
    assert b'"change": "test"' in server.requests[0].body
    assert b"https://bugs.example.com/p/shop/" in server.requests[0].body


def test_the_test_button_says_why_nothing_was_sent() -> None:
    with pytest.raises(ChannelError, match="loopback"):
        channels.send_test(
            "webhook", "http://127.0.0.1/", guard_allowing(), "https://bugs.example.com/"
        )
