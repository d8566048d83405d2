"""Which of Apprise's services are channels, and what is shown of its log."""

import logging
import subprocess
import sys

import pytest

from bugsly_server.alert.apprise_child import AppriseLogHandler

REMOTE = {
    *("apprise", "bark", "discord", "flock", "gchat", "gotify", "guilded", "hassio", "ifttt"),
    *("jellyfin", "join", "json", "jsons", "line", "mailgun", "mailto", "mailtos", "matrix"),
    *("mmost", "ntfy", "ntfys", "o365", "opsgenie", "pagerduty", "pbul", "pover", "rocket"),
    *("sendgrid", "ses", "signal", "slack", "sns", "synology", "tgram", "twilio", "victorops"),
    *("webex", "workflows", "xml", "zulip"),
}
LOCAL = {
    *("aprs", "blink1", "dbus", "gio", "glib", "gnome", "growl", "irc", "kde"),
    *("macosx", "mqtt", "qt", "rsyslog", "smpp", "syslog", "windows", "xmpp"),
}
LIST = """
from bugsly_server.alert.apprise_child import _is_remote, _known_services
known = _known_services()
print(*(scheme for scheme in known.schemas(include_disabled=True) if _is_remote(known[scheme])))
"""


def test_only_services_of_the_web_and_mail_are_channels() -> None:
    command = [sys.executable, "-c", LIST]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    assert set(listed) >= REMOTE
    assert not LOCAL & set(listed)


def record(level: int, message: str) -> logging.LogRecord:
    return logging.LogRecord("apprise", level, __file__, 1, message, None, None)


NESTED = (
    "Socket Exception: HTTPConnectionPool(host='h', port=9): Max retries exceeded with url: /key0 "
    "(Caused by NewConnectionError(\"HTTPConnection(host='h', port=9): Failed to establish a new "
    'connection: [Errno 111] Connection refused"))'
)


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ([], "it does not say why"),
        ([(logging.DEBUG, "JSON POST URL: http://h/")], "it does not say why"),
        ([(logging.ERROR, "Could not load JSON URL: x")], "it does not say why"),
        ([(logging.WARNING, "It failed.")], "It failed"),
        ([(logging.WARNING, "It failed."), (logging.WARNING, "It failed.")], "It failed"),
        (
            [(logging.WARNING, "It\nfailed."), (logging.DEBUG, "Socket Exception: timed out")],
            "It failed; timed out",
        ),
        (
            [(logging.DEBUG, NESTED)],
            "Failed to establish a new connection: [Errno 111] Connection refused",
        ),
        ([(logging.DEBUG, "Response Details:\r\nb'no key0'")], "Response Details: b'no ***'"),
    ],
)
def test_the_log_is_reduced_to_the_reasons(messages: list[tuple[int, str]], reason: str) -> None:
    log = AppriseLogHandler("json://h/key0")
    for level, message in messages:
        log.emit(record(level, message))
    assert log.reason() == reason


def test_a_long_reason_is_cut() -> None:
    log = AppriseLogHandler("json://h/")
    log.emit(record(logging.ERROR, "x" * 5000))
    assert len(log.reason()) < 500
