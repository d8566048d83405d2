"""Runs the cases that have no result yet, scores all, and writes docs/accuracy.md."""

from __future__ import annotations

import argparse
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatch
from pathlib import Path

from tools.accuracy import case, page
from tools.accuracy.case import ROOT, Case
from tools.accuracy.peers.answer import Opinion
from tools.accuracy.peers.monitors import alarms
from tools.accuracy.peers.profilers import PROFILERS, top_line
from tools.accuracy.run import Result, kept, run, version
from tools.accuracy.score import Score, figures, score
from tools.accuracy.truth import site_is_right

AT_ONCE = 2
ZOO = ROOT.parent / "shared" / "zoo"


def main() -> int:
    """Run, score, print, write."""
    chosen = _arguments()
    cases = [*case.labs(), *(case.zoo(chosen.zoo) if chosen.zoo.is_dir() else ())]
    picked = [one for one in cases if is_picked(one, chosen.cases)]
    if not picked:
        sys.exit(f"accuracy: no case is called {chosen.cases} → pick others with CASES=")
    code = version()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        scores = list(pool.map(lambda one: _score(one, code, again=chosen.again), picked))
        if chosen.peers:
            list(pool.map(_ask_profilers, (one for one in picked if one.is_leak)))
    for figure in figures(scores):
        share = "–" if figure.share is None else f"{figure.share:.3f}"
        print(f"{figure.name:40} {share:>6}  {figure.right} of {figure.of}")
    if len(picked) == len(cases):
        opinions = {one.key: _opinions(one, code, asked=chosen.peers) for one in cases}
        page.PAGE.write_text(page.page(scores, opinions, code), encoding="utf-8")
        print(f"Written to {page.PAGE.relative_to(ROOT)}")
    return 0


def is_picked(one: Case, patterns: str) -> bool:
    """Return whether *patterns*, apart by commas or spaces, name a case or a variant of it."""
    wanted = [word for word in re.split(r"[\s,]+", patterns) if word]
    names = (one.name, f"{one.name}/{one.variant}", one.variant)
    return not wanted or any(fnmatch(name, word) for name in names for word in wanted)


def _arguments() -> argparse.Namespace:
    reader = argparse.ArgumentParser(prog="make accuracy ARGS=")
    reader.add_argument("--cases", default="", help="names or patterns, as prices,ujson_*/fixed")
    reader.add_argument(
        "--zoo", default="", help="folder of more cases; ../shared/zoo if it is there"
    )
    reader.add_argument("--peers", action="store_true", help="run the profilers too")
    reader.add_argument("--again", action="store_true", help="run what has a result already")
    chosen = reader.parse_args()
    chosen.zoo = Path(chosen.zoo).absolute() if chosen.zoo else ZOO
    return chosen


def _score(one: Case, code: str, *, again: bool) -> Score:
    result = (None if again else kept(one, code)) or run(one, code)
    told = score(one, result)
    print(_line(told), flush=True)
    return told


def _line(told: Score) -> str:
    mark = {True: "right", False: "WRONG", None: "-----"}[told.verdict_right]
    parts = {"cause": told.cause, "place": told.place, "endpoint": told.endpoint}
    wrong = [name for name, is_right in parts.items() if is_right is False]
    verdict = f"{told.verdict:12} {told.requests:6} req {told.seconds:5.1f} s"
    rest = "; ".join([*(f"{name} wrong" for name in wrong), told.said or told.problem])
    return f"{mark} {told.case.name:26} {told.case.variant:7} {verdict}  {rest}".rstrip(" ;")


def _ask_profilers(one: Case) -> None:
    for method in PROFILERS.values():
        top_line(one, method)


def _opinions(one: Case, code: str, *, asked: bool) -> dict[str, Opinion]:
    result = kept(one, code) or Result()
    said = {name: Opinion(alarmed=alarmed) for name, alarmed in alarms(result.series).items()}
    for name, method in PROFILERS.items() if asked and one.is_leak else ():
        line = top_line(one, method)
        said[name] = Opinion(line=line, place=site_is_right(one.truth, line))
    return said


if __name__ == "__main__":
    sys.exit(main())
