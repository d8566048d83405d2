"""docs/alerts.md matches what Bugsly sends and accepts."""

import json
import re
from pathlib import Path

import pytest
from tests.support.fake_resolver import guard_allowing
from tests.support.issues import change, issue

from bugsly_server.alert import channels
from bugsly_server.alert.leak_message import compose_leak_alert
from bugsly_server.settings import load_settings

PAGE = Path(__file__).parents[2] / "docs/alerts.md"
ALERT = compose_leak_alert("shop", issue(), change(), "https://bugs.example.com/p/shop/issues/3")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)\n```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)


def test_every_block_is_compared() -> None:
    languages = set(re.findall(r"^```(\w+)$", PAGE.read_text(), re.MULTILINE))
    assert languages == {"text", "url", "json", "sh"}


def test_the_mail_is_the_one_that_is_sent() -> None:
    assert blocks("text") == [f"Subject: {ALERT.title}\n\n{ALERT.text}"]


def test_the_json_is_the_one_that_is_posted() -> None:
    assert [json.loads(block) for block in blocks("json")] == [ALERT.payload]


@pytest.mark.parametrize("url", [line for block in blocks("url") for line in block.splitlines()])
def test_the_addresses_are_accepted(url: str) -> None:
    channels.channel_kind("apprise").check(url, guard_allowing())


def test_the_setting_exists() -> None:
    [block] = blocks("sh")
    name, _, value = block.partition("=")
    assert [str(one) for one in load_settings({}, {name: value}).allow_networks] == value.split(",")
