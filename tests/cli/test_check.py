"""`bugsly check` from its start to its end, as a person, a hook or CI runs it."""

import json
import subprocess
from pathlib import Path

import pytest
from tests.support.bugsly_command import run_bugsly
from tests.support.checked_code import FLASK, write_files

LEAK = f"{FLASK}log = []\n\n\n@app.get('/x')\ndef x():\n    log.append(1)\n    return 'x'\n"
CLEAN = f"{FLASK}\n\n@app.get('/x')\ndef x():\n    return 'x'\n"
MESSAGE = "shop.py:9:5: BG101 [*] `log` gains entries with GET /x, and nothing takes any out: "


def check(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = run_bugsly("check", *arguments, cwd=folder, XDG_CACHE_HOME=str(folder / ".cache"))
    assert "Traceback" not in done.stdout + done.stderr
    return done


def test_findings_are_printed_and_counted(tmp_path: Path) -> None:
    write_files(tmp_path, {"shop.py": LEAK, "tests/test_shop.py": LEAK})
    done = check(tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    first, last = done.stdout.splitlines()
    assert first.startswith(MESSAGE)
    assert last == "1 finding in 1 file, 1 fixable with --fix [*]"
    again = check(tmp_path, str(tmp_path), "--exit-zero")
    assert (again.returncode, again.stdout) == (0, done.stdout)
    assert len(list((tmp_path / ".cache/bugsly/check").iterdir())) == 1


def test_nothing_found_is_zero(tmp_path: Path) -> None:
    write_files(tmp_path, {"shop.py": CLEAN})
    done = check(tmp_path, "--no-cache")
    assert (done.returncode, done.stdout) == (0, "no findings in 1 file\n")
    assert not (tmp_path / ".cache").exists()


def test_what_cannot_be_checked_is_a_line_and_the_rest_is_checked(tmp_path: Path) -> None:
    write_files(tmp_path, {"shop.py": LEAK, "old.py": "print 'x'", "notes.ipynb": "{}"})
    done = check(tmp_path)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].endswith(", 2 paths not checked")
    lines = done.stderr.splitlines()
    assert [line.partition(": not checked: ")[0] for line in lines] == ["notes.ipynb", "old.py"]
    assert all(" → " in line for line in lines)
    assert check(tmp_path, "old.py").returncode == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nope"], "nope: it does not exist → name a file or a folder of source"),
        (["--select", "BG9"], "'BG9': no rule has this code → see bugsly check --explain"),
        (["--explain", "BG9"], "'BG9': no rule has this code → see bugsly check --explain"),
        (["--baseline", "none"], "none: No such file or directory → write it anew with"),
        (["--config", "none"], "none: No such file or directory → name a file"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    arguments: list[str], message: str, tmp_path: Path
) -> None:
    write_files(tmp_path, {"shop.py": CLEAN})
    done = check(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"bugsly check: {message}")


def test_a_folder_without_source_is_said(tmp_path: Path) -> None:
    done = check(tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("no source to check → ")


def test_settings_of_the_project_count(tmp_path: Path) -> None:
    settings = '[tool.bugsly.check]\nexclude = ["old"]\ninclude-tests = true\nignore = ["BG2"]\n'
    write_files(tmp_path, {"pyproject.toml": settings, "old/a.py": LEAK, "tests/a.py": LEAK})
    assert [line.partition(":")[0] for line in check(tmp_path).stdout.splitlines()] == [
        "tests/a.py",
        "1 finding in 1 file, 1 fixable with --fix [*]",
    ]


def test_a_diff_changes_nothing_and_can_be_applied(tmp_path: Path) -> None:
    (file,) = write_files(tmp_path, {"shop.py": LEAK})
    done = check(tmp_path, "--diff")
    assert done.returncode == 1
    assert file.read_text() == LEAK
    subprocess.run(["patch", "-p1"], cwd=tmp_path, input=done.stdout, text=True, check=True)
    assert "log = deque(maxlen=1000)" in file.read_text()
    again = check(tmp_path, "--diff")
    assert (again.returncode, again.stdout) == (0, "")


def test_a_fix_is_written_and_the_rest_reported(tmp_path: Path) -> None:
    (file,) = write_files(tmp_path, {"shop.py": LEAK})
    made = "import pydantic\n\n@app.get('/y')\ndef y():\n    pydantic.create_model('Y')\n"
    write_files(tmp_path, {"other.py": f"{CLEAN}\n\n{made}"})
    done = check(tmp_path, "--fix")
    assert (done.returncode, done.stderr) == (1, "shop.py: fixed\n")
    assert [line.split()[1] for line in done.stdout.splitlines()] == ["BG405", "finding"]
    assert "log = deque(maxlen=1000)" in file.read_text()


def test_a_baseline_leaves_what_is_new(tmp_path: Path) -> None:
    write_files(tmp_path, {"shop.py": LEAK})
    written = check(tmp_path, "--write-baseline")
    assert (written.returncode, written.stdout) == (0, "")
    assert written.stderr == "1 finding is in bugsly-baseline.json\n"
    more = f"# moved\n{LEAK}\n\n@app.get('/y')\ndef y():\n    open('/srv/y').read()\n"
    write_files(tmp_path, {"shop.py": more})
    done = check(tmp_path, "--baseline", "bugsly-baseline.json")
    assert [line.split()[1] for line in done.stdout.splitlines()] == ["BG203", "finding"]
    assert done.stdout.endswith("1 more in the baseline\n")


@pytest.mark.parametrize("name", ["json", "sarif"])
def test_a_format_for_programs_is_all_that_is_printed(name: str, tmp_path: Path) -> None:
    write_files(tmp_path, {"shop.py": LEAK, "old.py": "print 'x'"})
    done = check(tmp_path, "--output-format", name)
    assert done.returncode == 1
    assert "BG101" in json.dumps(json.loads(done.stdout))


def test_annotations_are_lines_of_their_own(tmp_path: Path) -> None:
    write_files(tmp_path, {"shop.py": LEAK})
    done = check(tmp_path, "--output-format", "github")
    (line,) = done.stdout.splitlines()
    assert line.startswith("::error title=Bugsly (BG101),file=shop.py,line=9,endLine=9,col=5::")


def test_a_rule_is_explained_and_all_are_listed(tmp_path: Path) -> None:
    page = check(tmp_path, "--explain", "bg101").stdout
    assert page.startswith("# BG101: growing-container\n")
    listed = check(tmp_path, "--explain").stdout.splitlines()
    assert listed[0].startswith("BG101  growing-container ")
    assert len(listed) > 15


def test_statistics_count_by_rule(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.py": LEAK, "b.py": LEAK})
    assert check(tmp_path, "--statistics").stdout.splitlines() == [
        "     2  BG101  growing-container",
        "2 findings in 2 files, 2 fixable with --fix [*]",
    ]
