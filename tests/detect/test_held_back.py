"""When a person is told that the safety net is held back, and when that it is over."""

from dataclasses import replace
from typing import Any

import pytest
from tests.support.clock import START
from tests.support.recycled import net

from bugsly.protocol.net import Hindrance, Net, NetState
from bugsly_server.clock import HOUR, MINUTE, Micros
from bugsly_server.detect.held_back import Held, go_on, in_words, next_step
from bugsly_server.model.held_back import HeldBack
from bugsly_server.model.issue import ChangeKind, State


def stuck(hindrance: Hindrance, because: str = "recycling: no → do it") -> Net:
    return net(state=NetState.WAITING, hindrance=hindrance, because=because)


def known(state: State = State.OPEN) -> HeldBack:
    fields: dict[str, Any] = dict.fromkeys(("opened_at", "changed_at", "seen_at"), START - HOUR)
    return HeldBack(id=1, project_id=1, title="", state=state, environment="", **fields)


def told(
    nets: list[Net], held: Held | None, issue: HeldBack | None = None, now: Micros = START
) -> ChangeKind | None:
    step = next_step(issue, nets, go_on(held, nets, issue, now), now)
    return None if step is None else step.kind


BUDGET, FRESH = stuck(Hindrance.BUDGET), stuck(Hindrance.FRESH)


@pytest.mark.parametrize(
    ("nets", "minutes", "kind"),
    [
        ([], 60, None),
        ([BUDGET], 0, None),
        ([BUDGET], 4, None),
        ([BUDGET], 5, ChangeKind.OPENED),
        ([stuck(Hindrance.CHANGED)], 4, None),
        ([stuck(Hindrance.REPLACEMENT)], 5, ChangeKind.OPENED),
        ([FRESH], 0, ChangeKind.OPENED),
        ([stuck(Hindrance.UNSUPPORTED), BUDGET], 0, ChangeKind.OPENED),
    ],
)
def test_what_lasts_is_told_after_minutes_and_what_only_a_setting_ends_at_once(
    nets: list[Net], minutes: int, kind: ChangeKind | None
) -> None:
    assert told(nets, Held(START - minutes * MINUTE, START - MINUTE)) is kind


@pytest.mark.parametrize("minutes", [0, 10, 29])
def test_what_comes_and_goes_counts_from_when_it_came_first(minutes: int) -> None:
    held = Held(START - HOUR, START - minutes * MINUTE)
    assert told([], held) is None
    assert told([BUDGET], held) is ChangeKind.OPENED


def test_after_half_an_hour_without_it_it_counts_anew() -> None:
    held = go_on(Held(START - HOUR, START - 30 * MINUTE), [], None, START)
    assert held is None
    assert told([BUDGET], held) is None


@pytest.mark.parametrize(
    ("nets", "minutes", "kind"),
    [
        ([BUDGET], 0, None),
        ([FRESH], 40, None),
        ([], 29, None),
        ([], 30, ChangeKind.RESOLVED),
    ],
)
def test_what_was_told_is_not_told_again_until_it_is_over(
    nets: list[Net], minutes: int, kind: ChangeKind | None
) -> None:
    assert told(nets, Held(START - HOUR, START - minutes * MINUTE), known()) is kind


def test_what_was_over_can_come_back() -> None:
    held = Held(START - 5 * MINUTE, START)
    assert told([BUDGET], held, known(State.RESOLVED)) is ChangeKind.CAME_BACK
    assert told([BUDGET], None, known(State.RESOLVED)) is None
    just_over = replace(known(State.RESOLVED), changed_at=START - 9 * MINUTE)
    assert told([FRESH], None, just_over) is None
    assert told([FRESH], None, known(State.RESOLVED)) is ChangeKind.CAME_BACK


def test_a_server_that_has_just_started_waits_before_it_says_that_it_is_over() -> None:
    assert told([], None, known()) is None
    assert go_on(None, [], known(), START) == Held(START, START)


def test_each_hindrance_is_told_once_with_what_to_do() -> None:
    nets = [
        stuck(Hindrance.REPLACEMENT, "recycling: it left 70 s ago → see the log"),
        stuck(Hindrance.REPLACEMENT, "recycling: it left 72 s ago → see the log"),
        stuck(Hindrance.BUDGET, "recycling: 20 went → mend the leak"),
    ]
    assert in_words(nets) == "it left 72 s ago → see the log; 20 went → mend the leak"
