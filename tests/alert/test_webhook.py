"""The webhook: where it connects to, what it posts, and how it reads the response."""

import json
import logging
import ssl
from pathlib import Path

import pytest
import trustme
from tests.support.fake_resolver import FakeResolver, guard_allowing
from tests.support.issues import change, issue
from tests.support.wait import wait_until
from tests.support.web_server import (
    Responder,
    WebServer,
    respond_endlessly,
    respond_never,
    respond_slowly,
    respond_status,
)

from bugsly_server.alert.channels import webhook
from bugsly_server.alert.leak_message import Alert, compose_leak_alert
from bugsly_server.errors import ChannelError

LOOPBACK = "127.0.0.1/32"
HOST = "hooks.example.test"


def alert() -> Alert:
    return compose_leak_alert("shop", issue(), change(), "https://bugs.example.com/p/shop/issues/3")


def post(url: str, *answers: list[str]) -> None:
    resolver = FakeResolver(*answers) if answers else None
    webhook.send(url, alert(), guard_allowing(LOOPBACK, resolver=resolver))


def failure(url: str, *answers: list[str]) -> ChannelError:
    with pytest.raises(ChannelError) as caught:
        post(url, *answers)
    return caught.value


def tls(ca: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(name).configure_cert(context)
    return context


@pytest.fixture
def ca(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """An authority that this machine trusts."""
    made = trustme.CA()
    made.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return made


def test_the_alert_is_posted_as_json_to_the_address_that_was_checked() -> None:
    with WebServer() as server:
        post(f"http://{HOST}:{server.port}/in?key=1", ["127.0.0.1"])
    [asked] = server.requests
    assert (asked.method, asked.path) == ("POST", "/in?key=1")
    assert asked.headers["Host"] == f"{HOST}:{server.port}"
    assert asked.headers["Content-Type"] == "application/json"
    assert asked.headers["User-Agent"].startswith("bugsly-server/")
    assert json.loads(asked.body) == alert().payload


def test_a_login_in_the_url_is_sent_as_authorization() -> None:
    with WebServer() as server:
        post(f"http://ops:pass@{HOST}:{server.port}/", ["127.0.0.1"])
    assert server.requests[0].headers["Authorization"] == "Basic b3BzOnBhc3M="


def test_a_name_that_resolves_otherwise_after_the_check_does_not_matter() -> None:
    resolver = FakeResolver(["127.0.0.1"], ["127.0.0.2"])
    with WebServer() as chosen, WebServer(host="127.0.0.2", port=chosen.port) as inner:
        webhook.send(
            f"http://{HOST}:{chosen.port}/", alert(), guard_allowing(LOOPBACK, resolver=resolver)
        )
    assert resolver.lookups == [(HOST, chosen.port)]
    assert (len(chosen.requests), len(inner.requests)) == (1, 0)


def test_a_name_that_resolves_to_a_refused_address_later_is_refused() -> None:
    resolver = FakeResolver(["1.1.1.1"], ["169.254.169.254"])
    watched = guard_allowing(resolver=resolver)
    webhook.check(f"https://{HOST}/", watched)
    with pytest.raises(ChannelError, match="link-local") as caught:
        webhook.send(f"https://{HOST}/", alert(), watched)
    assert caught.value.permanent


def test_a_redirect_is_not_followed() -> None:
    with WebServer(host="127.0.0.2") as inner:
        away = respond_status(302, Location=f"http://127.0.0.2:{inner.port}/")
        with WebServer(away) as server:
            error = failure(server.url)
    assert (len(server.requests), len(inner.requests)) == (1, 0)
    assert error.permanent
    assert str(error) == ("127.0.0.1: it answered 302, a redirect → enter the address it leads to")


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with WebServer() as proxy, WebServer() as server:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{proxy.port}")
        post(f"http://{HOST}:{server.port}/", ["127.0.0.1"])
    assert (len(proxy.requests), len(server.requests)) == (0, 1)


@pytest.mark.parametrize("answer", [respond_never, respond_slowly])
def test_a_server_that_does_not_finish_is_given_up(
    answer: Responder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "TIMEOUT_SECONDS", 0.4)
    with WebServer(answer) as server:
        error = failure(server.url)
    assert not error.permanent
    assert str(error) == "127.0.0.1: no answer within 0.4 s → see whether it is up"


def test_the_body_of_a_response_is_not_read() -> None:
    with WebServer(respond_endlessly) as server:
        post(server.url)
        wait_until(server.hung_up.is_set, what="the connection is closed")


@pytest.mark.parametrize("code", [200, 201, 202, 204])
def test_any_success_will_do(code: int) -> None:
    with WebServer(respond_status(code)) as server:
        post(server.url)


@pytest.mark.parametrize(
    ("code", "permanent"),
    [
        (400, True),
        (401, True),
        (403, True),
        (404, False),
        (405, True),
        (408, False),
        (410, True),
        (413, True),
        (425, False),
        (429, False),
        (500, False),
        (502, False),
        (503, False),
    ],
)
def test_only_a_temporary_failure_is_worth_another_attempt(code: int, *, permanent: bool) -> None:
    with WebServer(respond_status(code)) as server:
        error = failure(server.url)
    assert error.permanent is permanent
    assert str(error) == f"127.0.0.1: it answered {code} → see there what it objects to"


def test_after_a_failure_the_next_attempt_succeeds() -> None:
    with WebServer(respond_status(500), respond_status(204)) as server:
        url = server.url
        assert not failure(url).permanent
        post(url)
    assert len(server.requests) == 2


def test_where_one_address_is_dead_the_next_is_tried() -> None:
    with WebServer() as server:
        webhook.send(
            f"http://{HOST}:{server.port}/",
            alert(),
            guard_allowing("127.0.0.0/8", resolver=FakeResolver(["127.0.0.3", "127.0.0.1"])),
        )
    assert len(server.requests) == 1


def test_a_refused_connection_is_reported() -> None:
    with WebServer() as server:
        url = server.url
    error = failure(url)
    assert not error.permanent
    assert str(error).startswith("127.0.0.1: no connection (")


def test_tls_is_spoken_with_the_name_though_the_connection_is_to_the_address(
    ca: trustme.CA,
) -> None:
    names: list[str | None] = []
    context = tls(ca, HOST)
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    with WebServer(tls=context) as server:
        post(f"https://{HOST}:{server.port}/", ["127.0.0.1"])
    assert names == [HOST]
    assert len(server.requests) == 1


@pytest.mark.parametrize("name", ["other.example.test", "127.0.0.1"])
def test_a_certificate_for_another_name_is_refused(ca: trustme.CA, name: str) -> None:
    with WebServer(tls=tls(ca, name)) as server:
        error = failure(f"https://{HOST}:{server.port}/", ["127.0.0.1"])
    assert "certificate" in str(error)
    assert server.requests == []


def test_an_untrusted_certificate_is_refused(ca: trustme.CA) -> None:
    del ca
    with WebServer(tls=tls(trustme.CA(), HOST)) as server:
        error = failure(f"https://{HOST}:{server.port}/", ["127.0.0.1"])
    assert "certificate" in str(error)
    assert server.requests == []


def test_the_secrets_of_the_url_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with WebServer(respond_status(500)) as server:
        error = failure(f"http://ops:pass@127.0.0.1:{server.port}/T0PS3CRET?key=T0PS3CRET")
    assert "T0PS3CRET" not in caplog.text + str(error)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", "webhook: it does not begin with https:// and a host"),
        ("hooks.example.com/x", "webhook: it does not begin with https:// and a host"),
        ("ftp://example.com/", "webhook: it does not begin with https:// and a host"),
        ("file:///etc/passwd", "webhook: it does not begin with https:// and a host"),
        ("https://", "webhook: it does not begin with https:// and a host"),
        ("https://example.com:port/", "webhook: Invalid port: 'port'"),
        ("https://10.0.0.1/", "10.0.0.1: alerts are not sent to a private or reserved address"),
        ("https://[::1]:8/", "::1: alerts are not sent to a loopback address"),
        ("https://nowhere.invalid/", "nowhere.invalid: it has no address"),
    ],
)
def test_an_unusable_url_is_refused_when_it_is_added(url: str, problem: str) -> None:
    with pytest.raises(ChannelError) as caught:
        webhook.check(url, guard_allowing())
    assert str(caught.value).partition(" → ")[0] == problem


@pytest.mark.parametrize("url", ["https://example.com", "http://EXAMPLE.com:8080/a?b=c"])
def test_a_usable_url_is_accepted(url: str) -> None:
    webhook.check(url, guard_allowing(resolver=FakeResolver(["93.184.216.34"])))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://example.com", "https://example.com"),
        ("https://example.com/", "https://example.com"),
        ("https://example.com:8080/hooks/abc", "https://example.com:8080/…"),
        ("https://example.com?token=abc", "https://example.com/…"),
        ("https://example.com/#abc", "https://example.com/…"),
        ("https://ops:pass@example.com/", "https://example.com"),
    ],
)
def test_what_may_be_secret_is_masked(url: str, shown: str) -> None:
    assert webhook.masked(url) == shown
