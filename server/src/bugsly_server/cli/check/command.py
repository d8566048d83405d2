"""`bugsly check [PATH…]`: finds in source what would leak in production."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from bugsly_server.check.baseline import DEFAULT_FILE, Baseline
from bugsly_server.check.check_run import CheckReport, CheckRun, Sources, collect_sources
from bugsly_server.check.check_settings import CheckConfiguration, load_configuration
from bugsly_server.check.fixing import fix_sources, source_diff
from bugsly_server.check.result_cache import default_cache_folder
from bugsly_server.check.rules import check_rules
from bugsly_server.check.selection import Selection
from bugsly_server.cli.check.explain_rule import explain
from bugsly_server.cli.check.report_formats import FORMATS, print_diff, print_statistics
from bugsly_server.cli.options.command import Command
from bugsly_server.cli.terminal.console import STDERR, STDOUT, print_data
from bugsly_server.errors import Misconfigured

COULD_NOT_RUN = 2
OPTIONS = (
    ("--select", "CODES", "Ask only these rules, such as BG101,BG2"),
    ("--ignore", "CODES", "Do not ask these rules"),
    ("--baseline", "FILE", "Report only what is not in this file"),
    ("--config", "FILE", "Read the settings from this file, not from the nearest pyproject.toml"),
)
SWITCHES = (
    ("--fix", "Fix what can be fixed, and report the rest"),
    ("--diff", "Print what --fix would change, and change nothing"),
    ("--write-baseline", f"Write what is found to the baseline; default {DEFAULT_FILE}"),
    ("--statistics", "Print how much each rule found, instead of each finding"),
    ("--exit-zero", "Return 0 also if something is found"),
    ("--lsp", "Serve an editor over standard input and output (needs bugsly-server[lsp])"),
    ("--no-cache", "Check all files, also if none has changed since an earlier run"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Let *parser* take what this command takes."""
    parser.add_argument(
        "paths", metavar="PATH", nargs="*", type=Path, help="Files and folders; default ."
    )
    for flag, sample, help_text in OPTIONS:
        parser.add_argument(flag, metavar=sample, help=help_text)
    for flag, help_text in SWITCHES:
        parser.add_argument(flag, action="store_true", help=help_text)
    parser.add_argument(
        "--output-format", choices=list(FORMATS), default="text", help="How to print; default text"
    )
    parser.add_argument(
        "--explain",
        metavar="CODE",
        nargs="?",
        const="",
        help="Print the page of a rule, or the list of all rules",
    )


def main(parsed: argparse.Namespace) -> int:
    """Check; return 0 if nothing was found, 1 for findings, 2 if no file could be checked."""
    if parsed.explain is not None:
        print_data(explain(parsed.explain))
        return 0
    return _serve_editor() if parsed.lsp else _check(parsed)


def _check(parsed: argparse.Namespace) -> int:
    paths = [_shortened(path) for path in parsed.paths or [Path()]]
    configuration = load_configuration(Path(parsed.config) if parsed.config else None, paths)
    run, sources = _prepare(parsed, paths, configuration)
    report = run.check(sources)
    for line in (*report.problems, *report.notes):
        STDERR.print(str(line), markup=False, soft_wrap=True)
    if not report.checked_files:
        return _say_nothing_checked(report)
    if parsed.write_baseline:
        return _write_baseline(_baseline_file(parsed, configuration), report)
    if parsed.diff:
        return _print_diffs(run, sources, exit_zero=parsed.exit_zero)
    if parsed.fix:
        report = _fix(run, sources)
    if parsed.statistics:
        print_statistics(report, STDOUT)
    else:
        FORMATS[parsed.output_format](report)
    return int(bool(report.findings) and not parsed.exit_zero)


def _serve_editor() -> int:
    try:
        from bugsly_server.cli.check.language_server import serve
    except ModuleNotFoundError:
        raise Misconfigured(
            "--lsp: pygls is not installed → pip install 'bugsly-server[lsp]'"
        ) from None
    serve()
    return 0


def _say_nothing_checked(report: CheckReport) -> int:
    """Return 2 where there was source, and none could be checked."""
    if report.problems:
        return COULD_NOT_RUN
    STDERR.print("no source to check → name other paths, or set include-tests in the settings")
    return 0


def _shortened(path: Path) -> Path:
    """Return *path* from the working directory if it is below it."""
    absolute = Path(os.path.normpath(path.absolute()))
    return absolute.relative_to(Path.cwd()) if absolute.is_relative_to(Path.cwd()) else path


def _prepare(
    parsed: argparse.Namespace, paths: Sequence[Path], configuration: CheckConfiguration
) -> tuple[CheckRun, Sources]:
    selection = Selection.read(
        _codes(parsed.select), _codes(parsed.ignore), configuration, check_rules()
    )
    file = _baseline_file(parsed, configuration)
    baseline = Baseline.load(file) if file is not None and not parsed.write_baseline else None
    sources, unread = collect_sources(paths, configuration)
    cache_folder = None if parsed.no_cache else default_cache_folder()
    return CheckRun(selection, baseline, unread, cache_folder), sources


def _codes(given: str | None) -> list[str]:
    return [code.strip() for code in given.split(",")] if given else []


def _baseline_file(parsed: argparse.Namespace, configuration: CheckConfiguration) -> Path | None:
    return Path(parsed.baseline) if parsed.baseline else configuration.baseline_file


def _write_baseline(file: Path | None, report: CheckReport) -> int:
    """Write what was found, so that later runs report only what is new; return 0."""
    file = file or Path(DEFAULT_FILE)
    Baseline.of(report.findings, file.absolute().parent).write(file)
    number = len(report.findings)
    counted = "1 finding is" if number == 1 else f"{number} findings are"
    STDERR.print(f"{counted} in {file}", markup=False, soft_wrap=True)
    return 0


def _print_diffs(run: CheckRun, sources: Sources, *, exit_zero: bool) -> int:
    """Print what a fix would change; return 1 if it would change anything, as ruff does."""
    fixed = fix_sources(sources, run.check)
    changed = [path for path in sources if fixed[path] != sources[path]]
    for path in changed:
        print_diff(source_diff(path, sources[path], fixed[path]), STDOUT)
    return int(bool(changed) and not exit_zero)


def _fix(run: CheckRun, sources: Sources) -> CheckReport:
    """Write what can be fixed, and return what is left."""
    fixed = fix_sources(sources, run.check)
    for path, source in fixed.items():
        if source != sources[path]:
            try:
                path.write_bytes(source)
            except OSError as error:
                raise Misconfigured(
                    f"{path}: {error.strerror} → see that it can be written"
                ) from None
            STDERR.print(f"{path}: fixed", markup=False, soft_wrap=True)
    return run.check(fixed)


COMMAND = Command(
    "check",
    "Find in source code what would leak memory in production",
    main,
    add_arguments,
    settings=None,
)
