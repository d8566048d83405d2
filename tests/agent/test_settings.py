import socket
from collections.abc import Mapping
from pathlib import Path

import pytest

from bugsly.setting_fields import InvalidSetting
from bugsly.settings import SETTINGS, AgentSettings, ProbeLevel, load_agent_settings

DSN = "http://0123456789abcdef@bugsly.test:8420/1"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def _outside_any_repository(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def options(given: Mapping[str, str] | None = None, /, **environ: str) -> AgentSettings:
    loaded = load_agent_settings(given or {}, {"BUGSLY_DSN": DSN, **environ})
    assert loaded is not None
    return loaded


def test_without_a_dsn_there_is_nothing_to_run() -> None:
    assert load_agent_settings({}, {"BUGSLY_RELEASE": "7"}) is None


def test_an_empty_dsn_keeps_the_agent_off_whatever_the_environment_says() -> None:
    assert load_agent_settings({"dsn": ""}, {"BUGSLY_DSN": DSN}) is None


def test_the_defaults_are_those_the_table_of_settings_names() -> None:
    loaded = options()
    assert str(loaded.dsn) == DSN
    assert loaded.release == ""
    assert loaded.environment == "production"
    assert loaded.server_name == socket.gethostname()
    assert loaded.sample_every == 10
    assert loaded.errors is loaded.send_locals is True
    assert (loaded.probes, loaded.library_sources) == (ProbeLevel.ALL, False)
    assert [setting.variable for setting in SETTINGS] == [
        "BUGSLY_DSN",
        "BUGSLY_RELEASE",
        "BUGSLY_ENVIRONMENT",
        "BUGSLY_SERVER_NAME",
        "BUGSLY_SAMPLE_EVERY",
        "BUGSLY_ERRORS",
        "BUGSLY_SEND_LOCALS",
        "BUGSLY_PROBES",
        "BUGSLY_LIBRARY_SOURCES",
        "BUGSLY_RECYCLE_AT",
        "BUGSLY_RECYCLE_AGE",
        "BUGSLY_RECYCLES_PER_HOUR",
    ]


def test_the_environment_is_read() -> None:
    loaded = options(
        BUGSLY_RELEASE="7",
        BUGSLY_ENVIRONMENT="staging",
        BUGSLY_SERVER_NAME="web-1",
        BUGSLY_SAMPLE_EVERY="2.5",
    )
    assert (loaded.release, loaded.environment, loaded.server_name, loaded.sample_every) == (
        "7",
        "staging",
        "web-1",
        2.5,
    )


def test_what_is_given_goes_before_the_environment() -> None:
    assert options({"environment": "staging"}, BUGSLY_ENVIRONMENT="test").environment == "staging"


def test_an_empty_variable_counts_as_unset() -> None:
    assert options(BUGSLY_ENVIRONMENT="", BUGSLY_SAMPLE_EVERY="").sample_every == 10


@pytest.mark.parametrize(
    ("text", "on"),
    [("on", True), ("True", True), ("1", True), ("off", False), (" False ", False), ("0", False)],
)
def test_a_switch_is_on_or_off(text: str, on: bool) -> None:  # noqa: FBT001
    assert options(BUGSLY_ERRORS=text).errors is on
    assert options(BUGSLY_SEND_LOCALS=text).send_locals is on


def test_a_switch_that_is_neither_says_what_to_set() -> None:
    with pytest.raises(InvalidSetting) as raised:
        options(BUGSLY_ERRORS="maybe")
    assert str(raised.value) == "BUGSLY_ERRORS: 'maybe' is neither on nor off → set on or off"


@pytest.mark.parametrize(("text", "seconds"), [("0.5", 0.5), ("3600", 3600), (" 7 ", 7)])
def test_the_bounds_of_sampling_belong_to_it(text: str, seconds: float) -> None:
    assert options(BUGSLY_SAMPLE_EVERY=text).sample_every == seconds


@pytest.mark.parametrize("text", ["0.49", "3601", "0", "-1", "nan", "inf", "often", "10s"])
def test_an_interval_out_of_bounds_says_what_to_set(text: str) -> None:
    with pytest.raises(InvalidSetting) as raised:
        options(BUGSLY_SAMPLE_EVERY=text)
    assert str(raised.value) == (
        f"BUGSLY_SAMPLE_EVERY: {text!r} is not a number from 0.5 to 3600 → set 10"
    )


def test_a_wrong_dsn_says_where_the_right_one_is() -> None:
    with pytest.raises(InvalidSetting) as raised:
        options(BUGSLY_DSN="bugsly.test/1")
    assert str(raised.value) == (
        "BUGSLY_DSN: it has to begin with http:// or https://"
        " → copy the line from the set-up page, or from `bugsly dsn`"
    )


def test_long_names_are_cut() -> None:
    loaded = options(
        BUGSLY_RELEASE="r" * 300, BUGSLY_ENVIRONMENT="e" * 300, BUGSLY_SERVER_NAME="s" * 300
    )
    assert loaded.release == "r" * 200
    assert loaded.environment == "e" * 200
    assert loaded.server_name == "s" * 200


def test_bytes_that_are_no_text_do_not_reach_the_wire() -> None:
    loaded = options(BUGSLY_RELEASE="7\udcff")
    assert loaded.release == "7?"


@pytest.mark.parametrize(
    ("environ", "release"),
    [
        ({"SENTRY_RELEASE": "7"}, "7"),
        ({"HEROKU_SLUG_COMMIT": "abc"}, "abc"),
        ({"GIT_COMMIT": "abc", "SENTRY_RELEASE": "7"}, "7"),
        ({"GIT_COMMIT": "abc", "BUGSLY_RELEASE": "8"}, "8"),
        ({"GIT_COMMIT": ""}, ""),
    ],
)
def test_the_release_is_what_the_platform_says(environ: dict[str, str], release: str) -> None:
    assert options({}, **environ).release == release


@pytest.mark.parametrize(
    "files",
    [
        {"HEAD": "ref: refs/heads/main\n", "refs/heads/main": f"{COMMIT}\n"},
        {"HEAD": "ref: refs/heads/größer\n", "refs/heads/größer": f"{COMMIT}\n"},
        {
            "HEAD": "ref: refs/heads/main\n",
            "packed-refs": f"# pack-refs with: peeled\n{'f' * 40} refs/heads/old\n"
            f"{COMMIT} refs/heads/main\n^{'e' * 40}\n",
        },
        {"HEAD": f"{COMMIT}\n"},
    ],
    ids=["loose ref", "loose ref beyond ASCII", "packed ref", "detached head"],
)
@pytest.mark.parametrize("below", [".", "shop/static"])
def test_the_release_is_the_commit_checked_out(
    files: dict[str, str], below: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_repository(tmp_path, files)
    (tmp_path / below).mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(tmp_path / below)
    assert options().release == COMMIT[:12]


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"HEAD": "ref: refs/heads/main\n"},
        {"HEAD": "ref: refs/heads/main\n", "packed-refs": f"{COMMIT} refs/heads/other\n"},
        {"HEAD": "ref: refs/heads/\udcff\n"},
        {"HEAD/unreadable": ""},
        {"HEAD": "ref: refs/heads/main\n", "refs/heads/main/unreadable": ""},
    ],
    ids=["empty", "no commit yet", "not packed", "no text", "HEAD a folder", "ref a folder"],
)
def test_a_repository_without_a_commit_gives_no_release(
    files: dict[str, str], tmp_path: Path
) -> None:
    make_repository(tmp_path, files)
    assert options().release == ""


def test_the_commit_of_a_linked_worktree_is_not_that_of_a_repository_around_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_repository(tmp_path, {"HEAD": f"{'f' * 40}\n"})
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/.git").write_text("gitdir: ../.git/modules/shop\n")
    make_repository(tmp_path, {"modules/shop/HEAD": f"{COMMIT}\n"})
    monkeypatch.chdir(tmp_path / "shop")
    assert options().release == COMMIT[:12]


def test_the_branch_of_a_linked_worktree_is_looked_up_where_branches_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_repository(
        tmp_path,
        {
            "refs/heads/fix": f"{COMMIT}\n",
            "worktrees/fix/HEAD": "ref: refs/heads/fix\n",
            "worktrees/fix/commondir": "../..\n",
        },
    )
    (tmp_path / "fix").mkdir()
    (tmp_path / "fix/.git").write_text(f"gitdir: {tmp_path}/.git/worktrees/fix\n")
    monkeypatch.chdir(tmp_path / "fix")
    assert options().release == COMMIT[:12]


def test_a_folder_that_is_gone_gives_no_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert options().release == ""


def make_repository(folder: Path, files: dict[str, str]) -> None:
    (folder / ".git").mkdir(exist_ok=True)
    for name, text in files.items():
        file = folder / ".git" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode(errors="surrogateescape"))


@pytest.mark.parametrize(
    ("text", "level"),
    [("off", ProbeLevel.OFF), ("Census", ProbeLevel.CENSUS), (" all ", ProbeLevel.ALL)],
)
def test_the_level_of_probes_is_read(text: str, level: ProbeLevel) -> None:
    assert options(BUGSLY_PROBES=text).probes is level


def test_a_level_of_probes_that_there_is_not_names_those_there_are() -> None:
    expected = "^BUGSLY_PROBES: 'some' is none of them → set off, census or all$"
    with pytest.raises(InvalidSetting, match=expected):
        options(BUGSLY_PROBES="some")
