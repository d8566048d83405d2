from ipaddress import ip_network
from pathlib import Path

import pytest

from bugsly_server.errors import Misconfigured
from bugsly_server.settings import SETTINGS, load_settings


def test_no_setting_is_required() -> None:
    settings = load_settings({}, {"HOME": "/home/ada"})
    assert (settings.host, settings.port, settings.keep_days) == ("127.0.0.1", 8420, 90)
    assert (settings.public_url, settings.allow_networks) == ("", ())


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"XDG_DATA_HOME": "/srv/share"}, "/srv/share/bugsly"),
        ({"BUGSLY_DATA_DIR": "/var/bugsly", "XDG_DATA_HOME": "/srv"}, "/var/bugsly"),
        ({"BUGSLY_DATA_DIR": "kept"}, str(Path("kept").absolute())),
        ({"BUGSLY_DATA_DIR": "~/kept"}, str(Path("~/kept").expanduser())),
    ],
)
def test_the_folder_follows_the_environment(environ: dict[str, str], folder: str) -> None:
    assert str(load_settings({}, environ).data_dir) == folder


def test_a_flag_beats_the_environment_and_an_empty_value_is_unset() -> None:
    environ = {"BUGSLY_PORT": "9000", "BUGSLY_HOST": "", "BUGSLY_KEEP_DAYS": "7"}
    settings = load_settings({"port": "9001", "keep_days": None, "host": ""}, environ)
    assert (settings.port, settings.keep_days, settings.host) == (9001, 7, "127.0.0.1")


def test_each_setting_has_a_flag_a_variable_and_a_help_text() -> None:
    for setting in SETTINGS:
        assert setting.flag == f"--{setting.name.replace('_', '-')}"
        assert setting.variable == f"BUGSLY_{setting.name.upper()}"
        assert setting.help[0].isupper()
        assert not setting.help.endswith(".")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("port", "0", 0),
        ("port", "65535", 65535),
        ("keep_days", "2", 2),
        ("keep_days", "3650", 3650),
        ("public_url", "https://bugs.example.com/", "https://bugs.example.com"),
        ("public_url", "http://[::1]:8420/behind/a/proxy", "http://[::1]:8420/behind/a/proxy"),
        ("allow_networks", "10.0.0.0/8, ::1/128,", (ip_network("10.0.0.0/8"), ip_network("::1"))),
    ],
)
def test_good_values(name: str, text: str, value: object) -> None:
    assert getattr(load_settings({name: text}, {}), name) == value


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("port", "65536", "BUGSLY_PORT: '65536' is not a whole number from 0 to 65535 → set 8420"),
        ("port", "-1", "BUGSLY_PORT: '-1' is not a whole number from 0 to 65535 → set 8420"),
        ("port", " 80", "BUGSLY_PORT: ' 80' is not a whole number from 0 to 65535 → set 8420"),
        ("port", "http", "BUGSLY_PORT: 'http' is not a whole number from 0 to 65535 → set 8420"),
        ("port", "９", "BUGSLY_PORT: '９' is not a whole number from 0 to 65535 → set 8420"),
        ("port", "9" * 50, "is not a whole number from 0 to 65535 → set 8420"),
        ("keep_days", "1", "BUGSLY_KEEP_DAYS: '1' is not a whole number from 2 to 3650 → set 90"),
        (
            "keep_days",
            "1.5",
            "BUGSLY_KEEP_DAYS: '1.5' is not a whole number from 2 to 3650 → set 90",
        ),
        ("public_url", "bugs.example.com", "→ write it as https://bugs.example.com"),
        ("public_url", "ftp://bugs.example.com", "BUGSLY_PUBLIC_URL: 'ftp://bugs.example.com'"),
        ("public_url", "https://", "BUGSLY_PUBLIC_URL: 'https://' is not a URL"),
        ("public_url", "http://[", "BUGSLY_PUBLIC_URL: 'http://[' is not a URL"),
        ("public_url", "http://h:99999", "BUGSLY_PUBLIC_URL: 'http://h:99999' is not a URL"),
        ("public_url", "http://h/?a=1", "BUGSLY_PUBLIC_URL: 'http://h/?a=1' is not a URL"),
        ("public_url", "http://me@h", "BUGSLY_PUBLIC_URL: 'http://me@h' is not a URL"),
        ("allow_networks", "10.0.0.1/8", "BUGSLY_ALLOW_NETWORKS: 10.0.0.1/8 has host bits set"),
        ("allow_networks", "here", "→ write networks as 10.0.0.0/8,127.0.0.1/32"),
    ],
)
def test_bad_values_are_reported_in_one_sentence(name: str, text: str, problem: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        load_settings({name: text}, {})
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)
