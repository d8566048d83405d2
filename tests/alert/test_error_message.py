"""The text of an alert about an error, and its JSON."""

import json
from typing import Any

import pytest
from tests.detect.test_error_lifecycle import NOW, error

from bugsly_server.alert.error_message import compose_alert
from bugsly_server.alert.leak_message import Alert
from bugsly_server.model.error_explanation import ErrorExplanation
from bugsly_server.model.issue import IssueChange, IssueChangeKind

URL = "https://bugs.test/p/shop/issues/3"


def composed_alert(
    kind: IssueChangeKind, because: str = "it happened again", **facts: Any
) -> Alert:
    change = IssueChange(kind=kind, at=NOW, because=because, finding=None)
    why = facts.pop("why", None)
    return compose_alert("shop", error(**facts), change, URL, why)


@pytest.mark.parametrize(
    ("kind", "title"),
    [
        (IssueChangeKind.OPENED, "[shop] New: KeyError: 'currency'"),
        (IssueChangeKind.CAME_BACK, "[shop] Back again: KeyError: 'currency'"),
        (IssueChangeKind.ESCALATED, "[shop] Escalating: KeyError: 'currency'"),
    ],
)
def test_the_title_says_what_changed(kind: IssueChangeKind, title: str) -> None:
    assert composed_alert(kind).title == title


def test_the_text_says_where_how_often_and_to_how_many_users() -> None:
    alert = composed_alert(
        IssueChangeKind.CAME_BACK,
        place="checkout in shop/views.py",
        endpoint="POST /orders",
        users=3,
        environment="production",
    )
    assert alert.lines == (
        "It happened again.",
        "Raised by checkout in shop/views.py.",
        "Endpoint: POST /orders",
        "It has happened 40 times so far to 3 users.",
        "Seen at 1972-09-27 00:00 UTC in release 1.1 (production).",
    )
    assert json.loads(json.dumps(alert.payload))["error"]["count"] == 40


EXPLAINED = ErrorExplanation(
    title="A key that is not there",
    what="`order` has no 'currency'.",
    why="Its keys are 'id' and 'price'.",
    fix="read `order.get('currency')`",
    unless="",
    confidence=0.9,
)


def test_the_text_explains_the_error_if_a_rule_applies() -> None:
    alert = composed_alert(IssueChangeKind.OPENED, why=EXPLAINED, place="checkout in shop/views.py")
    assert alert.lines[:3] == (
        "Raised by checkout in shop/views.py.",
        "`order` has no 'currency'. Its keys are 'id' and 'price'.",
        "Fix: read `order.get('currency')`",
    )
    assert alert.payload["error"]["explanation"]["what"] == EXPLAINED.what
    assert composed_alert(IssueChangeKind.OPENED).payload["error"]["explanation"] is None


def test_names_from_the_wire_cannot_break_a_line() -> None:
    alert = composed_alert(IssueChangeKind.OPENED, title="a\r\nBcc: all@example.com")
    assert "\n" not in alert.title
