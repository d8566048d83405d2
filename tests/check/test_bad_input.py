"""Whatever a file holds, it is a line on what to do, and all others are checked."""

from pathlib import Path

import pytest
from tests.support.checked_code import FLASK, check_in

from bugsly_server.check.source_files import MAX_SOURCE_BYTES
from bugsly_server.check.source_reader import MAX_NESTING

LEAK = f"{FLASK}log = []\n@app.get('/x')\ndef x():\n    log.append(1)\n"
DEEP = MAX_NESTING - 12
UNREADABLE = {
    "a syntax error": (b"def f(:\n", "line 1: "),
    "the syntax of Python 2": (b"print 'x'\n", "line 1: Missing parentheses"),
    "a null byte": (b"x = 1\n\0\n", "null bytes|cannot parse"),
    "another encoding": ("x = 'é'\n".encode("latin-1"), "not in the encoding"),
    "an encoding that is not there": (b"# coding: klingon\nx = 1\n", "not in the encoding"),
    "a huge file": (b"x = 1\n" * (MAX_SOURCE_BYTES // 6 + 1), "larger than 1 MB"),
    "deep brackets": (b"x = " + b"[" * 5000 + b"]" * 5000, "too many nested|cannot parse"),
    "a long sum": (b"x = " + b"+".join([b"1"] * 4000), "cannot parse|nested more than"),
    "deep blocks": (
        "\n".join(" " * n + "if x:" for n in range(120)).encode() + b"\n" + b" " * 120 + b"x",
        "line|nested",
    ),
}
HOSTILE = {
    "as deep as it may be": (
        f"{FLASK}d = {{}}\n@app.get('/<k>')\ndef x(k):\n"
        f"    {'-' * DEEP}k\n    d[{'-' * DEEP}k] = 1\n    {'x(' * 60}k{')' * 60}"
    ),
    "a name that doubles": "\n".join(
        [f"{FLASK}d = {{}}", "@app.get('/<k>')", "def x(k):", "    a0 = 1"]
        + [f"    a{n + 1} = {' + '.join([f'a{n}'] * 60)}" for n in range(40)]
        + ["    d[a40] = 1"]
    ),
    "functions that call each other": "\n".join(
        [f"{FLASK}d = {{}}", "@app.get('/<k>')", "def x(k):", "    d[f0(k)] = 1"]
        + [f"def f{n}(k): return f{n + 1}(k), f{(n * 7) % 300}(k)" for n in range(300)]
    ),
    "a route with control characters": LEAK.replace("'/x'", "'/\\x1b[31m\\ud800\\n'"),
    "a route as long as a book": LEAK.replace("/x", "/" + "x" * 100_000),
    "names in other alphabets": LEAK.replace("log", "журнал"),
    "form feeds": LEAK.replace("log = []", "\x0clog = []\x0c"),
    "an empty file": "",
    "only a comment": "# bugsly: ignore[",
}


@pytest.mark.parametrize(("content", "reason"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_is_a_line_and_the_rest_is_checked(
    content: bytes, reason: str, tmp_path: Path
) -> None:
    result = check_in(tmp_path, {"bad.py": content, "shop.py": LEAK})
    (problem,) = result.problems
    assert any(part in problem.reason for part in reason.split("|")), problem
    assert str(problem).startswith(f"{tmp_path / 'bad.py'}: not checked: ")
    assert " → " in str(problem)
    assert [finding.path.name for finding in result.findings] == ["shop.py"]
    assert result.checked_files == 1


@pytest.mark.parametrize("source", HOSTILE.values(), ids=HOSTILE)
def test_what_is_odd_is_checked(source: str, tmp_path: Path) -> None:
    result = check_in(tmp_path, {"odd.py": source, "shop.py": LEAK})
    assert result.problems == ()
    assert "shop.py" in {finding.path.name for finding in result.findings}
    for finding in result.findings:
        assert finding.message.isprintable()
        assert len(finding.message) < 600


def test_columns_count_characters(tmp_path: Path) -> None:
    source = LEAK.replace("    log.append(1)", "    é = 'é'; log.append(é)")
    (finding,) = check_in(tmp_path, {"shop.py": source}).findings
    assert (finding.line, finding.column) == (7, 14)
