"""What is posted to a webhook, and handed to Apprise."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from tests.support.complete_values import bare_finding, unsure_finding, whole_finding, whole_site
from tests.support.issues import change, issue, outage_issue
from tests.support.release_comparison import proof

from bugsly_server.alert.apprise_child import AppriseMessage, AppriseOutcome, AppriseTask
from bugsly_server.alert.error_message import compose_alert
from bugsly_server.alert.leak_message import compose_test_alert
from bugsly_server.explanation_service import explain_issue
from bugsly_server.model.issue import IssueChangeKind
from bugsly_server.store.meta import error_issues, hindrance_issues

URL = "https://bugs.example.com/p/shop/issues/1"


def documents(folder: Path) -> Iterator[tuple[str, Any]]:
    """Yield a payload of each kind of issue, and that of the test button."""
    yield "webhook, test", _as_json(compose_test_alert(URL).payload)
    for leak_finding in (whole_finding(), unsure_finding(), bare_finding()):
        step = change(finding=leak_finding)
        yield (
            "webhook, leak",
            _as_json(compose_alert("shop", issue(finding=leak_finding), step, URL, None).payload),
        )
    step = change(IssueChangeKind.FIXED, proof=proof())
    yield (
        "webhook, leak",
        _as_json(compose_alert("shop", issue(proof=proof()), step, URL, None).payload),
    )
    with whole_site(folder) as made, made.database.reading() as connection:
        for error in error_issues.list_unresolved(connection, made.project.id, 9):
            why = explain_issue(connection, error)
            yield (
                "webhook, error",
                _as_json(compose_alert("shop", error, change(), URL, why).payload),
            )
        hindrance_issue = hindrance_issues.get_for_project(connection, made.project.id)
        assert hindrance_issue is not None
        yield (
            "webhook, net",
            _as_json(compose_alert("shop", hindrance_issue, change(), URL, None).payload),
        )
    yield (
        "webhook, outage",
        _as_json(compose_alert("shop", outage_issue(), change(), URL, None).payload),
    )
    message = AppriseMessage(title="Test", body="It works.", tone="info")
    task = AppriseTask(url="json://example.com", networks=["10.0.0.0/8"], message=message)
    yield "apprise, task", json.loads(msgspec.json.encode(task))
    yield "apprise, outcome", json.loads(msgspec.json.encode(AppriseOutcome()))


def _as_json(payload: dict[str, Any]) -> Any:
    return json.loads(json.dumps(payload))
