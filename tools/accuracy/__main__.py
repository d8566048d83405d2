"""Runs the cases that have no result yet, scores all, and writes docs/accuracy.md."""

from __future__ import annotations

import argparse
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatch
from pathlib import Path

from tools.accuracy import accuracy_page, case_catalog
from tools.accuracy.case_catalog import ROOT, AccuracyCase
from tools.accuracy.doctor_run import DoctorResult, code_version, load_result, run_case
from tools.accuracy.ground_truth import site_is_right
from tools.accuracy.peers.monitors import alarms
from tools.accuracy.peers.peer_opinion import PeerOpinion
from tools.accuracy.peers.profilers import PROFILERS, top_line
from tools.accuracy.score import CaseScore, accuracy_figures, score_result

MAX_PARALLEL_RUNS = 2
ZOO_FOLDER = ROOT.parent / "shared" / "zoo"


def main() -> int:
    """Run, score, print, write."""
    chosen = _parse_arguments()
    cases = [
        *case_catalog.lab_cases(),
        *(case_catalog.zoo_cases(chosen.zoo) if chosen.zoo.is_dir() else ()),
    ]
    picked = [one for one in cases if is_picked(one, chosen.cases)]
    if not picked:
        sys.exit(f"accuracy: no case is called {chosen.cases} → pick others with CASES=")
    code = code_version()
    with ThreadPoolExecutor(MAX_PARALLEL_RUNS) as pool:
        scores = list(
            pool.map(lambda chosen_case: _score_case(chosen_case, code, again=chosen.again), picked)
        )
        if chosen.peers:
            list(pool.map(_run_profilers, (one for one in picked if one.is_leak)))
    for figure in accuracy_figures(scores):
        share = "–" if figure.share is None else f"{figure.share:.3f}"
        print(f"{figure.name:40} {share:>6}  {figure.right_cases} of {figure.all_cases}")
    if len(picked) == len(cases):
        opinions = {
            one.key: _peer_opinions(one, code, with_profilers=chosen.peers) for one in cases
        }
        accuracy_page.PAGE_PATH.write_text(
            accuracy_page.render_page(scores, opinions, code), encoding="utf-8"
        )
        print(f"Written to {accuracy_page.PAGE_PATH.relative_to(ROOT)}")
    return 0


def is_picked(tested_case: AccuracyCase, patterns: str) -> bool:
    """Return whether *patterns*, apart by commas or spaces, name a case or a variant of it."""
    wanted = [word for word in re.split(r"[\s,]+", patterns) if word]
    names = (tested_case.name, f"{tested_case.name}/{tested_case.variant}", tested_case.variant)
    return not wanted or any(fnmatch(name, word) for name in names for word in wanted)


def _parse_arguments() -> argparse.Namespace:
    reader = argparse.ArgumentParser(prog="make accuracy ARGS=")
    reader.add_argument("--cases", default="", help="names or patterns, as prices,ujson_*/fixed")
    reader.add_argument(
        "--zoo", default="", help="folder of more cases; ../shared/zoo if it is there"
    )
    reader.add_argument("--peers", action="store_true", help="run the profilers too")
    reader.add_argument("--again", action="store_true", help="run what has a result already")
    chosen = reader.parse_args()
    chosen.zoo = Path(chosen.zoo).absolute() if chosen.zoo else ZOO_FOLDER
    return chosen


def _score_case(tested_case: AccuracyCase, code: str, *, again: bool) -> CaseScore:
    result = (None if again else load_result(tested_case, code)) or run_case(tested_case, code)
    case_score = score_result(tested_case, result)
    print(_score_line(case_score), flush=True)
    return case_score


def _score_line(case_score: CaseScore) -> str:
    mark = {True: "right", False: "WRONG", None: "-----"}[case_score.verdict_right]
    parts = {
        "cause": case_score.cause_right,
        "place": case_score.location_right,
        "endpoint": case_score.endpoint_right,
    }
    wrong = [name for name, is_right in parts.items() if is_right is False]
    verdict = f"{case_score.verdict:12} {case_score.requests:6} req {case_score.seconds:5.1f} s"
    rest = "; ".join(
        [*(f"{name} wrong" for name in wrong), case_score.first_finding or case_score.problem]
    )
    return f"{mark} {case_score.case.name:26} {case_score.case.variant:7} {verdict}  {rest}".rstrip(
        " ;"
    )


def _run_profilers(tested_case: AccuracyCase) -> None:
    for method in PROFILERS.values():
        top_line(tested_case, method)


def _peer_opinions(
    tested_case: AccuracyCase, code: str, *, with_profilers: bool
) -> dict[str, PeerOpinion]:
    result = load_result(tested_case, code) or DoctorResult()
    opinions = {
        name: PeerOpinion(alarmed=alarmed) for name, alarmed in alarms(result.series).items()
    }
    for name, method in PROFILERS.items() if with_profilers and tested_case.is_leak else ():
        line = top_line(tested_case, method)
        opinions[name] = PeerOpinion(line=line, line_right=site_is_right(tested_case.truth, line))
    return opinions


if __name__ == "__main__":
    sys.exit(main())
