import logging

import pytest

from bugsly.guard import Guards


@pytest.fixture
def _in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BUGSLY_STRICT")


def fail(guards: Guards, place: str, error: BaseException) -> None:
    with guards(place):
        raise error


def test_tests_see_what_a_guard_would_swallow() -> None:
    guards = Guards()
    with pytest.raises(KeyError):
        fail(guards, "probe", KeyError("rss"))
    assert guards.failures == {}


@pytest.mark.usefixtures("_in_production")
def test_a_failure_is_swallowed_and_counted_by_its_place() -> None:
    guards = Guards()
    for place in ("probe", "probe", "sender"):
        fail(guards, place, KeyError("rss"))
    assert guards.failures == {"probe": 2, "sender": 1}


@pytest.mark.usefixtures("_in_production")
def test_only_the_first_failure_of_a_place_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    guards = Guards()
    for place in ("probe", "probe", "sender"):
        fail(guards, place, KeyError("rss"))
    assert caplog.record_tuples == [
        (
            "bugsly",
            logging.WARNING,
            (
                f"bugsly {place}: KeyError('rss') was swallowed"
                " → the app is not affected; more of the same are counted"
            ),
        )
        for place in ("probe", "sender")
    ]


@pytest.mark.usefixtures("_in_production")
@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), GeneratorExit()])
def test_what_ends_a_program_is_not_swallowed(error: BaseException) -> None:
    guards = Guards()
    with pytest.raises(type(error)):
        fail(guards, "probe", error)
    assert guards.failures == {}


def test_a_block_without_a_failure_counts_nothing() -> None:
    guards = Guards()
    with guards("probe"):
        pass
    assert guards.failures == {}
