import asyncio
from pathlib import Path

import pytest
from tests.support.asgi_client import asgi_request
from tests.support.site_harness import OWNER, SiteHarness, site_harness

from bugsly_server.settings import load_settings
from bugsly_server.web.known_hosts import is_known_host, known_names

NAMES = frozenset({"localhost", "bugs.example.com"})
GUARDED = [
    "/",
    "/welcome",
    "/login",
    "/account",
    "/p/shop/",
    "/p/shop/live",
    "/static/app.css",
    "/api/v1/workers",
    "/mcp",
]
ANY_HOST = {"/healthz": 200, "/metrics": 401, "/api/1/envelope/": 405, "/api/1/store/": 405}


@pytest.mark.parametrize(
    "host",
    [
        "bugs.example.com",
        "BUGS.example.com.:443",
        "localhost:8420",
        "shop.localhost",
        "127.0.0.1:8420",
        "192.168.1.5",
        "[::1]:8420",
        "[2001:db8::7]",
    ],
)
def test_a_name_of_the_server_and_any_address_is_known(host: str) -> None:
    assert is_known_host(host, NAMES)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "bugs.example.com.evil.example",
        "evil-bugs.example.com",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "bugs.example.com@evil.example",
        "bugs.example.com, evil.example",
        "bugs.example.com:port",
        "bugs.example.com:99999",
        "[::1",
        "[evil.example]",
        "0x7f.1",
        "127.1",
        "..",
        "bugs.example.com\n",
    ],
)
def test_any_other_name_is_not(host: str) -> None:
    assert not is_known_host(host, NAMES)


def test_the_names_are_those_of_the_settings_and_of_the_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "Devbox")
    given = {"public_url": "https://Bugs.example.com/x", "allowed_hosts": "bugs, bugs.lan."}
    assert known_names(load_settings({**given, "host": "lan.example"}, {})) == {
        "localhost",
        "devbox",
        "bugs.example.com",
        "bugs",
        "bugs.lan",
        "lan.example",
    }


def test_a_page_whose_name_was_rebound_to_this_server_reads_nothing(visited: SiteHarness) -> None:
    for path in GUARDED:
        answer = visited.client.get(path, headers={"host": "evil.example"})
        assert (path, answer.status_code) == (path, 403)
        assert answer.text == (
            "host: evil.example is no name of this server"
            " → open its URL, or set BUGSLY_ALLOWED_HOSTS"
        )


def test_a_page_whose_name_was_rebound_cannot_take_the_server(site: SiteHarness) -> None:
    rebound = {"host": "evil.example", "origin": "http://evil.example"}
    answer = site.client.post("/welcome", data=OWNER, headers=rebound)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("hosts", [[], [b"bugs.test", b"evil.example"], [b"evil.example<b>"]])
def test_a_request_names_its_host_once_and_plainly(site: SiteHarness, hosts: list[bytes]) -> None:
    headers = [(b"host", host) for host in hosts]
    answer = asyncio.run(asgi_request(site.server.asgi, "/login", method="GET", headers=headers))
    assert answer.status == 403
    assert answer.body.startswith(b"host: it is no name of this server")


def test_agents_and_checks_may_use_names_that_nobody_listed(site: SiteHarness) -> None:
    answers = {path: site.client.get(path, headers={"host": "bugsly"}) for path in ANY_HOST}
    assert {path: answer.status_code for path, answer in answers.items()} == ANY_HOST


def test_a_name_in_the_settings_opens_every_page(tmp_path: Path) -> None:
    with site_harness(tmp_path, allowed_hosts="bugs.lan") as site:
        assert site.client.get("/login", headers={"host": "bugs.lan:8420"}).status_code == 200
        assert site.client.get("/login", headers={"host": "bugs.test"}).status_code == 403


def test_no_redirect_leads_to_what_the_host_header_says(visited: SiteHarness) -> None:
    for path in ("/p/shop", "/login/", "/api/1/envelope", "/static", "/healthz/", "/"):
        location = visited.client.get(path).headers.get("location", "/")
        assert location.startswith("/"), path
        assert not location.startswith("//"), path
