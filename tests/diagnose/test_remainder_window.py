"""A window of allocations in one worker speaks for all that run the same code."""

from dataclasses import replace

import pytest
from tests.diagnose.test_live_bytes import MB, step

from bugsly.protocol.evidence import Line, Trim, Window
from bugsly_server.diagnose.remainder import name_remainder
from bugsly_server.model.diagnosis import Cause
from bugsly_server.model.dossier import Dossier, Life

WINDOW = Window(
    method="tracemalloc",
    requests=200,
    seconds=8.0,
    grown=3 * MB,
    lines=(Line(site="app.py:9", bytes=2 * MB, count=80_000),),
)


def life(number: int, each: int, *windows: Window) -> Life:
    steps = tuple(step(one, 0, blocks=one * 10_000, each=each) for one in range(16))
    return Life(
        worker_id=number,
        pid=number,
        release="",
        python="3.11",
        server="gunicorn",
        steps=steps,
        windows=windows,
        trims=(Trim(before=40 * MB, after=40 * MB),),
    )


def test_the_window_of_a_worker_that_grew_less_names_the_line() -> None:
    lives = (life(1, MB, WINDOW), life(2, 2 * MB))
    found = name_remainder(Dossier(lives=lives, holders={}), [1, 2], 0.0, watched=True)
    assert found is not None
    assert (found.cause, found.site) == (Cause.NATIVE, "app.py:9")


@pytest.mark.parametrize(
    ("site", "inner", "where"),
    [
        ("app.py:9", "", "at app.py:9"),
        ("app.py:9", "flask/json.py:12", "at app.py:9, within flask/json.py:12"),
        ("", "flask/json.py:12", "within flask/json.py:12"),
    ],
)
def test_the_fact_says_where_it_was_allocated(site: str, inner: str, where: str) -> None:
    line = Line(site=site, inner=inner, bytes=2 * MB, count=80_000)
    lives = (life(1, MB, replace(WINDOW, lines=(line,))),)
    found = name_remainder(Dossier(lives=lives, holders={}), [1], 0.0, watched=True)
    assert found is not None
    fact = f"2 MB in 80,000 allocations {where} outlived the requests that made it"
    assert fact in found.because
