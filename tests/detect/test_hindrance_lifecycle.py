"""When a person is told that the safety net is held back, and when that it is over."""

from dataclasses import replace
from typing import Any

import pytest
from tests.support.clock import START
from tests.support.recycling_values import safety_net

from bugsly.protocol.safety_net import Hindrance, RecyclerReport, RecyclerState
from bugsly_server.clock import HOUR, MINUTE, Micros
from bugsly_server.detect.hindrance_lifecycle import (
    HindrancePeriod,
    describe_hindrances,
    next_hindrance_change,
    next_period,
)
from bugsly_server.model.hindrance import HindranceIssue
from bugsly_server.model.issue import IssueChangeKind, IssueState


def hindered_net(hindrance: Hindrance, because: str = "recycling: no → do it") -> RecyclerReport:
    return safety_net(state=RecyclerState.WAITING, hindrance=hindrance, because=because)


def known_issue(state: IssueState = IssueState.OPEN) -> HindranceIssue:
    fields: dict[str, Any] = dict.fromkeys(("opened_at", "changed_at", "seen_at"), START - HOUR)
    return HindranceIssue(id=1, project_id=1, title="", state=state, environment="", **fields)


def next_changes(
    nets: list[RecyclerReport],
    held: HindrancePeriod | None,
    issue: HindranceIssue | None = None,
    now: Micros = START,
) -> IssueChangeKind | None:
    step = next_hindrance_change(issue, nets, next_period(held, nets, issue, now), now)
    return None if step is None else step.kind


SPENT_BUDGET, TOO_LARGE_FRESH = hindered_net(Hindrance.BUDGET), hindered_net(Hindrance.FRESH)


@pytest.mark.parametrize(
    ("nets", "minutes", "kind"),
    [
        ([], 60, None),
        ([SPENT_BUDGET], 0, None),
        ([SPENT_BUDGET], 4, None),
        ([SPENT_BUDGET], 5, IssueChangeKind.OPENED),
        ([hindered_net(Hindrance.CHANGED)], 4, None),
        ([hindered_net(Hindrance.REPLACEMENT)], 5, IssueChangeKind.OPENED),
        ([TOO_LARGE_FRESH], 0, IssueChangeKind.OPENED),
        ([hindered_net(Hindrance.UNSUPPORTED), SPENT_BUDGET], 0, IssueChangeKind.OPENED),
    ],
)
def test_what_lasts_is_reported_after_minutes_and_what_only_a_setting_ends_at_once(
    nets: list[RecyclerReport], minutes: int, kind: IssueChangeKind | None
) -> None:
    assert next_changes(nets, HindrancePeriod(START - minutes * MINUTE, START - MINUTE)) is kind


@pytest.mark.parametrize("minutes", [0, 10, 29])
def test_what_comes_and_goes_counts_from_when_it_came_first(minutes: int) -> None:
    held = HindrancePeriod(START - HOUR, START - minutes * MINUTE)
    assert next_changes([], held) is None
    assert next_changes([SPENT_BUDGET], held) is IssueChangeKind.OPENED


def test_after_half_an_hour_without_it_it_counts_anew() -> None:
    held = next_period(HindrancePeriod(START - HOUR, START - 30 * MINUTE), [], None, START)
    assert held is None
    assert next_changes([SPENT_BUDGET], held) is None


@pytest.mark.parametrize(
    ("nets", "minutes", "kind"),
    [
        ([SPENT_BUDGET], 0, None),
        ([TOO_LARGE_FRESH], 40, None),
        ([], 29, None),
        ([], 30, IssueChangeKind.RESOLVED),
    ],
)
def test_what_was_reported_is_not_reported_again_until_it_is_over(
    nets: list[RecyclerReport], minutes: int, kind: IssueChangeKind | None
) -> None:
    assert (
        next_changes(nets, HindrancePeriod(START - HOUR, START - minutes * MINUTE), known_issue())
        is kind
    )


def test_what_was_over_can_come_back() -> None:
    held = HindrancePeriod(START - 5 * MINUTE, START)
    assert (
        next_changes([SPENT_BUDGET], held, known_issue(IssueState.RESOLVED))
        is IssueChangeKind.CAME_BACK
    )
    assert next_changes([SPENT_BUDGET], None, known_issue(IssueState.RESOLVED)) is None
    just_over = replace(known_issue(IssueState.RESOLVED), changed_at=START - 9 * MINUTE)
    assert next_changes([TOO_LARGE_FRESH], None, just_over) is None
    assert (
        next_changes([TOO_LARGE_FRESH], None, known_issue(IssueState.RESOLVED))
        is IssueChangeKind.CAME_BACK
    )


def test_a_server_that_has_just_started_waits_before_it_says_that_it_is_over() -> None:
    assert next_changes([], None, known_issue()) is None
    assert next_period(None, [], known_issue(), START) == HindrancePeriod(START, START)


def test_each_hindrance_is_reported_once_with_what_to_do() -> None:
    nets = [
        hindered_net(Hindrance.REPLACEMENT, "recycling: it left 70 s ago → see the log"),
        hindered_net(Hindrance.REPLACEMENT, "recycling: it left 72 s ago → see the log"),
        hindered_net(Hindrance.BUDGET, "recycling: 20 went → mend the leak"),
    ]
    assert describe_hindrances(nets) == "it left 72 s ago → see the log; 20 went → mend the leak"
