"""How much of a corpus of secrets reaches the disk, and a model, on each of the two ways."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import pytest
from sentry_sdk.scrubber import EventScrubber
from tests.support.secret_corpus.agent_events import agent_event
from tests.support.secret_corpus.cases import (
    NAMELESS,
    SecretCase,
    innocent_cases,
    planted_cases,
)
from tests.support.secret_corpus.sdk_events import sdk_event, sending_sdk
from tests.support.secret_corpus.stored_events import shown_values, stored_events, was_redacted

from bugsly_server.clock import now
from bugsly_server.decode.event import decode_event
from bugsly_server.explain.llm.question import question_about_error
from bugsly_server.model.error_explanation import ErrorContext

MIN_RECALL = 0.99
MAX_FALSE_HITS = 0.01
PLANTED = planted_cases()
INNOCENT = innocent_cases()


class StoredCase(NamedTuple):
    """A case, and the event of it on the disk."""

    case: SecretCase
    event: dict[str, Any]


def from_agent(cases: Sequence[SecretCase]) -> list[bytes]:
    return [agent_event(case) for case in cases]


def from_sdk(cases: Sequence[SecretCase]) -> list[bytes]:
    with sending_sdk(event_scrubber=EventScrubber(denylist=[], pii_denylist=[])) as sent:
        return [json.dumps(sdk_event(sent, case.carrier, case.text)).encode() for case in cases]


@pytest.fixture(scope="module", params=[from_agent, from_sdk], ids=["agent", "sdk"])
def stored(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> list[StoredCase]:
    """Return all cases as a server stored them that the agent or an SDK sent them to."""
    cases = [*PLANTED, *INNOCENT]
    events = stored_events(tmp_path_factory.mktemp("corpus"), request.param(cases))
    return [StoredCase(case, event) for case, event in zip(cases, events, strict=True)]


def test_the_corpus_is_large_and_varied() -> None:
    for cases in (PLANTED, INNOCENT):
        assert len(cases) >= 400
        assert sum(case.held_out for case in cases) >= 100
        assert len(Counter(case.carrier for case in cases)) == 11


def test_planted_secrets_do_not_reach_the_disk(stored: list[StoredCase]) -> None:
    planted = [one for one in stored if one.case.values]
    seen = [one.case.source for one in planted if shown_values(one.case, one.event)]
    assert len(seen) <= (1 - MIN_RECALL) * len(planted), seen


def test_what_only_looks_like_a_secret_stays(stored: list[StoredCase]) -> None:
    innocent = [one for one in stored if not one.case.values]
    gone = [one.case.source for one in innocent if was_redacted(one.case, one.event)]
    assert len(gone) <= MAX_FALSE_HITS * len(innocent), gone


def test_no_planted_secret_with_a_name_or_a_form_goes_to_a_model(stored: list[StoredCase]) -> None:
    seen = [one.case.source for one in stored if shown_values(one.case, question(one.event))]
    assert set(seen) <= NAMELESS


def test_a_model_is_told_no_secret_of_an_event_that_was_not_scrubbed() -> None:
    """Such as one that an earlier version stored."""
    events = [json.loads(payload) for payload in from_sdk(PLANTED)]
    seen = [
        case.source
        for case, event in zip(PLANTED, events, strict=True)
        if shown_values(case, question(event))
    ]
    assert set(seen) <= NAMELESS


def question(event: dict[str, Any]) -> str:
    """Return what a model is asked about *event*, with its variables."""
    decoded = decode_event(json.dumps(event).encode(), now(), Counter())
    assert decoded is not None
    return question_about_error(decoded, ErrorContext(), None, with_locals=True).data
