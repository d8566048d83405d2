"""The Apprise channel: real mail and requests, sent by its child process."""

import json
import ssl
import subprocess
from pathlib import Path

import pytest
import trustme
from tests.support.fake_resolver import guard_allowing
from tests.support.issues import change, finding, issue, suspect
from tests.support.mail_server import MailServer
from tests.support.web_server import WebServer, respond_status

from bugsly_server.alert.channels import apprise
from bugsly_server.alert.leak_message import Alert, compose_leak_alert, compose_test_alert
from bugsly_server.errors import ChannelError
from bugsly_server.model.issue import IssueChangeKind

LOOPBACK = "127.0.0.1/32"
PAGE = "https://bugs.example.com/p/shop/issues/3"
LOGIN = ("ops", "pa55word")
SECRET = "T0PS3CRET"
SENDER = "from=bugsly@example.com"


def alert() -> Alert:
    return compose_leak_alert("shop", issue(), change(), PAGE)


def send(url: str, *allowed: str) -> None:
    apprise.send(url, alert(), guard_allowing(*allowed))


def failure(url: str, *allowed: str) -> ChannelError:
    with pytest.raises(ChannelError) as caught:
        send(url, *allowed)
    return caught.value


def objection(url: str, *allowed: str) -> str:
    with pytest.raises(ChannelError) as caught:
        apprise.check(url, guard_allowing(*allowed))
    assert caught.value.permanent
    return str(caught.value)


def test_a_mail_says_what_the_alert_says() -> None:
    with MailServer() as server:
        send(f"mailto://127.0.0.1:{server.port}?{SENDER}&to=ops@example.com", LOOPBACK)
    [mail] = server.mails
    assert mail["Subject"] == alert().title
    assert (mail["From"], mail["To"]) == ("bugsly@example.com", "ops@example.com")
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().splitlines() == alert().text.splitlines()


def test_a_hostile_host_name_adds_no_header_to_a_mail() -> None:
    hostile = finding(title="x\r\nBcc: all@example.com", suspects=(suspect(host="a\r\nb"),))
    shaped = compose_leak_alert(
        "shop", issue(), change(IssueChangeKind.OPENED, finding=hostile), PAGE
    )
    with MailServer() as server:
        url = f"mailto://127.0.0.1:{server.port}?{SENDER}&to=ops@example.com"
        apprise.send(url, shaped, guard_allowing(LOOPBACK))
    assert server.mails[0]["Bcc"] is None


@pytest.mark.filterwarnings("ignore:Requiring AUTH:UserWarning")
@pytest.mark.filterwarnings("ignore:Session.login_data:DeprecationWarning")
def test_a_login_is_used() -> None:
    with MailServer(LOGIN) as server:
        url = f"mailto://ops:pa55word@127.0.0.1:{server.port}?{SENDER}&to=ops@example.com"
        send(url, LOOPBACK)
    assert len(server.mails) == 1


@pytest.mark.filterwarnings("ignore:Requiring AUTH:UserWarning")
def test_the_reason_why_mail_was_refused_is_shown_without_the_password() -> None:
    with MailServer(LOGIN) as server:
        url = f"mailto://ops:wr0ngword@127.0.0.1:{server.port}?{SENDER}&to=ops@example.com"
        error = failure(url, LOOPBACK)
    assert not error.permanent
    assert str(error) == (
        'E-Mail: Connection error while submitting email to "127.0.0.1"; '
        "(535, b'5.7.8 Authentication credentials invalid') → send a test once it is fixed"
    )


def test_a_mail_server_that_is_not_allowed_is_not_connected_to() -> None:
    with MailServer() as server:
        error = failure(f"mailto://127.0.0.1:{server.port}?{SENDER}&to=ops@example.com")
    assert server.mails == []
    assert error.permanent
    assert "BUGSLY_ALLOW_NETWORKS=127.0.0.1/32" in str(error)


def test_a_redirect_to_a_refused_address_is_not_followed() -> None:
    with WebServer(host="127.0.0.2") as inner:
        away = respond_status(307, Location=f"http://127.0.0.2:{inner.port}/")
        with WebServer(away) as server:
            error = failure(f"json://127.0.0.1:{server.port}/?redirect=yes", LOOPBACK)
    assert (len(server.requests), len(inner.requests)) == (1, 0)
    assert str(error).startswith("JSON: ")


def test_files_of_this_machine_are_not_sent(tmp_path: Path) -> None:
    template = tmp_path / "template.json"
    card = {"contentType": "application/vnd.microsoft.card.adaptive", "content": {"x": SECRET}}
    template.write_text(json.dumps({"type": "message", "attachments": [card]}))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)
    with WebServer(respond_status(202), tls=tls) as server:
        url = f"workflows://127.0.0.1:{server.port}/643a8f5d/1a2b3c4d?verify=no"
        send(url, LOOPBACK)
        failure(f"{url}&template={template}", LOOPBACK)
    assert len(server.requests) == 1
    assert SECRET.encode() not in server.requests[0].body


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with WebServer() as proxy, WebServer(respond_status(200)) as server:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        send(f"json://127.0.0.1:{server.port}/", LOOPBACK)
    assert (len(proxy.requests), len(server.requests)) == (0, 1)


def test_a_service_that_is_down_may_be_up_later() -> None:
    with WebServer() as server:
        url = f"json://127.0.0.1:{server.port}/{SECRET}"
    error = failure(url, LOOPBACK)
    assert not error.permanent
    assert "Connection refused" in str(error)
    assert SECRET not in str(error)


def test_a_child_that_takes_too_long_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apprise, "TIMEOUT_SECONDS", 0.01)
    error = failure(f"json://ops:{SECRET}@127.0.0.1:9/", LOOPBACK)
    assert str(error) == "json://127.0.0.1:9/…: no answer within 0.01 s → see whether it is up"
    assert not error.permanent


def test_a_child_that_crashes_shows_its_last_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apprise, "CHILD_MODULE", "bugsly_server.nowhere")
    error = failure("json://127.0.0.1:9/", LOOPBACK)
    assert "No module named bugsly_server.nowhere" in str(error)
    assert not error.permanent


def test_the_url_is_not_shown_to_other_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    real = subprocess.run

    def run(command: list[str], **how: object) -> object:
        seen.extend([*command, *(how["env"] or {})])  # type: ignore[misc]
        return real(command, **how)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setenv(SECRET, "1")
    failure(f"json://127.0.0.1:9/{SECRET}", LOOPBACK)
    assert seen
    assert SECRET not in " ".join(seen)


@pytest.mark.parametrize("scheme", ["dbus", "syslog", "rsyslog", "macosx", "windows", "mqtt"])
def test_a_service_that_acts_on_this_machine_is_not_a_channel(scheme: str) -> None:
    assert objection(f"{scheme}://localhost/").startswith(
        f"apprise: {scheme}:// speaks neither HTTP nor mail"
    )


@pytest.mark.parametrize(
    ("url", "start"),
    [
        ("nonsense", "apprise: this is no URL of a service that it knows → "),
        ("file:///etc/passwd", "apprise: this is no URL of a service that it knows → "),
        ("https://example.com/x", "apprise: this is no URL of a service that it knows → "),
        ("slack://bad", "apprise: An invalid Slack (second) Token (None) was specified → "),
        ("mailto://ops:pa55@localhost", "localhost (127.0.0.1): alerts are not sent to a loopback"),
        ("mailto://a:b@example.com?smtp=10.0.0.1", "10.0.0.1: alerts are not sent to a private"),
        ("json://169.254.169.254/", "169.254.169.254: alerts are not sent to a link-local"),
    ],
)
def test_an_unusable_url_is_refused_when_it_is_added(url: str, start: str) -> None:
    assert objection(url).startswith(start)


@pytest.mark.parametrize(
    "url",
    [
        "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#ops",
        "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
        "ntfy://a-topic-of-mine",
    ],
)
def test_a_usable_url_is_accepted(url: str) -> None:
    apprise.check(url, guard_allowing())


def test_a_test_goes_out_as_one() -> None:
    with WebServer(respond_status(200)) as server:
        apprise.send(
            f"json://127.0.0.1:{server.port}/", compose_test_alert(PAGE), guard_allowing(LOOPBACK)
        )
    assert b'"type": "info"' in server.requests[0].body
