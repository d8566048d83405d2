"""Settings come from the nearest pyproject.toml with any; what is wrong in them is a sentence."""

from pathlib import Path

import pytest
from tests.support.checked_code import write_files

from bugsly_server.check.check_settings import CheckConfiguration, CheckSettings, load_configuration
from bugsly_server.check.rule import CheckFinding
from bugsly_server.check.rules import check_rules
from bugsly_server.check.selection import Selection
from bugsly_server.errors import BugslyError

DEFAULTS = CheckSettings()
TABLE = "[tool.bugsly.check]\n"
WRONG = {
    "an unknown key": ('selct = ["BG1"]', "unknown field `selct` → it may have select, ignore"),
    "a wrong type": ('select = "BG1"', r"Expected `array`, got `str` - at `\$.select` →"),
    "a wrong type of code": ("ignore = [1]", "Expected `str`, got `int`"),
    "no valid TOML": ("select = [", "it is no valid TOML: .* → correct it"),
}


def finding(code: str, path: Path) -> CheckFinding:
    return CheckFinding(
        code=code, path=path, line=1, column=1, end_line=1, text="x", message="it leaks"
    )


def wanted(
    folder: Path, select: str = "", ignore: str = "", settings: CheckSettings = DEFAULTS
) -> set[str]:
    """Return `BG101 shop.py` for each rule and file of which findings are wanted."""
    configuration = CheckConfiguration(folder, settings)
    selection = Selection.read(select.split(), ignore.split(), configuration, check_rules())
    return {
        f"{rule.code} {name}"
        for rule in check_rules()
        for name in ("shop.py", "old/shop.py")
        if selection.wants(finding(rule.code, folder / name))
    }


def test_the_nearest_table_counts_and_paths_start_from_it(tmp_path: Path) -> None:
    write_files(
        tmp_path,
        {
            "pyproject.toml": f'{TABLE}per-file-ignores = {{"a.py" = ["BG2"]}}\n',
            "web/pyproject.toml": "[project]\nname = 'web'\n",
            "web/shop/a.py": "",
        },
    )
    configuration = load_configuration(None, [tmp_path / "web/shop/a.py"])
    assert configuration.folder == tmp_path
    assert configuration.settings.per_file_ignores == {"a.py": ("BG2",)}


def test_without_a_table_everything_is_asked(tmp_path: Path) -> None:
    assert load_configuration(None, [tmp_path]).settings == DEFAULTS
    assert len(wanted(tmp_path)) == 2 * len(check_rules())


@pytest.mark.parametrize(("text", "message"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_a_sentence(text: str, message: str, tmp_path: Path) -> None:
    write_files(tmp_path, {"pyproject.toml": f"{TABLE}{text}\n"})
    with pytest.raises(BugslyError, match=rf"pyproject\.toml: .*{message}"):
        load_configuration(None, [tmp_path])


def test_a_file_that_is_named_has_to_have_the_table(tmp_path: Path) -> None:
    (file,) = write_files(tmp_path, {"other.toml": "[project]\n"})
    with pytest.raises(BugslyError, match=r"has no \[tool\.bugsly\.check\] → add one"):
        load_configuration(file, [tmp_path])
    with pytest.raises(BugslyError, match="No such file or directory → name a file"):
        load_configuration(tmp_path / "none.toml", [tmp_path])


def test_the_command_line_selects_over_the_settings_and_adds_to_what_is_ignored(
    tmp_path: Path,
) -> None:
    assert wanted(tmp_path, select="BG101", ignore="BG101") == set()
    assert wanted(tmp_path, select="bg60", ignore="BG602") == {"BG601 shop.py", "BG601 old/shop.py"}
    settings = CheckSettings(select=("BG5",), ignore=("BG601",))
    assert wanted(tmp_path, settings=settings) == {"BG501 shop.py", "BG501 old/shop.py"}
    assert wanted(tmp_path, select="BG6", settings=settings) == {
        "BG602 shop.py",
        "BG602 old/shop.py",
    }


def test_a_file_is_excepted_from_rules(tmp_path: Path) -> None:
    found = wanted(
        tmp_path, select="BG10", settings=CheckSettings(per_file_ignores={"old": ("BG10",)})
    )
    assert found == {f"BG10{number} shop.py" for number in (1, 2, 3, 4)}


@pytest.mark.parametrize("code", ["BG9", "E501", ""])
def test_an_unknown_code_is_a_sentence(code: str, tmp_path: Path) -> None:
    for settings in (
        CheckSettings(select=(code,)),
        CheckSettings(ignore=(code,)),
        CheckSettings(per_file_ignores={"a.py": (code,)}),
    ):
        with pytest.raises(BugslyError, match=rf"'{code}': no rule has this code → see bugsly"):
            wanted(tmp_path, settings=settings)
