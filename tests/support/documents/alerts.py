"""What is posted to a webhook, and handed to Apprise."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from tests.support.issues import change, issue
from tests.support.proofs import proof
from tests.support.whole import bare_finding, unsure_finding, whole_finding, whole_site

from bugsly_server.alert.apprise_child import Message, Outcome, Task
from bugsly_server.alert.error import tell
from bugsly_server.alert.message import compose_test
from bugsly_server.explained import explanation_of
from bugsly_server.model.issue import ChangeKind
from bugsly_server.store.meta import errors, held_back

URL = "https://bugs.example.com/p/shop/issues/1"


def documents(folder: Path) -> Iterator[tuple[str, Any]]:
    """Yield a payload of each kind of issue, and that of the test button."""
    yield "webhook, test", _sent(compose_test(URL).payload)
    for seen in (whole_finding(), unsure_finding(), bare_finding()):
        step = change(finding=seen)
        yield "webhook, leak", _sent(tell("shop", issue(finding=seen), step, URL, None).payload)
    step = change(ChangeKind.FIXED, proof=proof())
    yield "webhook, leak", _sent(tell("shop", issue(proof=proof()), step, URL, None).payload)
    with whole_site(folder) as made, made.database.reading() as connection:
        for error in errors.unresolved(connection, made.project.id, 9):
            why = explanation_of(connection, error)
            yield "webhook, error", _sent(tell("shop", error, change(), URL, why).payload)
        net = held_back.of_project(connection, made.project.id)
        assert net is not None
        yield "webhook, net", _sent(tell("shop", net, change(), URL, None).payload)
    message = Message(title="Test", body="It works.", tone="info")
    task = Task(url="json://example.com", networks=["10.0.0.0/8"], message=message)
    yield "apprise, task", json.loads(msgspec.json.encode(task))
    yield "apprise, outcome", json.loads(msgspec.json.encode(Outcome()))


def _sent(payload: dict[str, Any]) -> Any:
    return json.loads(json.dumps(payload))
