import pytest
from hypothesis import given
from hypothesis import strategies as st

from bugsly.protocol.dsn import Dsn, InvalidDsn, PlainTextRisk, parse_dsn, plain_text_risk

KEY = "0123456789abcdef"


def dsn(
    scheme: str = "http",
    host: str = "bugsly.test",
    port: int = 8420,
    prefix: str = "",
    project: int = 1,
) -> Dsn:
    return Dsn(scheme=scheme, key=KEY, host=host, port=port, prefix=prefix, project=project)


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        (f"http://{KEY}@bugsly.test:8420/1", dsn()),
        (f"http://{KEY}@bugsly.test/1", dsn(port=80)),
        (f"https://{KEY}@bugsly.test/1", dsn(scheme="https", port=443)),
        (f"https://{KEY}@bugsly.test:8443/7", dsn(scheme="https", port=8443, project=7)),
        (f"http://{KEY}@bugsly.test:8420/1/", dsn()),
        (f"  http://{KEY}@bugsly.test:8420/1\n", dsn()),
        (f"http://{KEY}:secret@bugsly.test:8420/1", dsn()),
        (f"http://{KEY}@bugsly.test:8420/tools/bugs/12", dsn(prefix="/tools/bugs", project=12)),
        (f"http://{KEY}@[::1]:8420/1", dsn(host="::1")),
        (f"http://{KEY}@BUGSLY.test:8420/1", dsn()),
    ],
)
def test_a_dsn_is_read(text: str, parsed: Dsn) -> None:
    assert parse_dsn(text) == parsed


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it has to begin with http:// or https://"),
        ("bugsly.test/1", "it has to begin with http:// or https://"),
        (f"ftp://{KEY}@bugsly.test/1", "it has to begin with http:// or https://"),
        ("http://bugsly.test/1", "it names no key before the @"),
        ("http://@bugsly.test/1", "it names no key before the @"),
        ("http://kéy@bugsly.test/1", "its key has other characters than letters and digits"),
        ("http://k%0ay@bugsly.test/1", "its key has other characters than letters and digits"),
        (f"http://{KEY}@/1", "it names no host after the @"),
        (f"http://{KEY}@bugsly.test", "it has to end with the project's number"),
        (f"http://{KEY}@bugsly.test/", "it has to end with the project's number"),
        (f"http://{KEY}@bugsly.test/shop", "it has to end with the project's number"),
        (f"http://{KEY}@bugsly.test/-1", "it has to end with the project's number"),
        (f"http://{KEY}@bugsly.test/١", "it has to end with the project's number"),
        (f"http://{KEY}@bugsly.test/{'9' * 5000}", "it has to end with the project's number"),
    ],
)
def test_a_dsn_that_is_none_says_what_it_lacks(text: str, why: str) -> None:
    with pytest.raises(InvalidDsn) as raised:
        parse_dsn(text)
    assert str(raised.value) == why


@pytest.mark.parametrize("port", ["eight", "99999", "-1"])
def test_a_port_that_is_none_is_named(port: str) -> None:
    with pytest.raises(InvalidDsn, match="its host or port cannot be read"):
        parse_dsn(f"http://{KEY}@bugsly.test:{port}/1")


@given(
    st.builds(
        Dsn,
        scheme=st.sampled_from(["http", "https"]),
        key=st.text("0123456789abcdef", min_size=1, max_size=32),
        host=st.sampled_from(["bugsly.test", "127.0.0.1", "::1", "localhost"]),
        port=st.integers(1, 65535),
        prefix=st.sampled_from(["", "/bugs", "/tools/bugs"]),
        project=st.integers(0, 10**17),
    )
)
def test_a_dsn_reads_back_from_its_own_text(original: Dsn) -> None:
    assert parse_dsn(str(original)) == original


@pytest.mark.parametrize(
    ("prefix", "path"), [("", "/api/7/envelope/"), ("/tools/bugs", "/tools/bugs/api/7/envelope/")]
)
def test_envelopes_are_posted_below_the_prefix(prefix: str, path: str) -> None:
    assert dsn(prefix=prefix, project=7).path == path


@pytest.mark.parametrize(
    "host", ["bugs.example.com", "8.8.8.8", "2606:4700:4700::1111", "bugsly.test"]
)
def test_plain_text_to_a_public_host_can_be_read_on_the_way(host: str) -> None:
    assert plain_text_risk(dsn(host=host)) is PlainTextRisk.INTERNET
    assert plain_text_risk(dsn(scheme="https", host=host)) is PlainTextRisk.NONE


@pytest.mark.parametrize(
    "host",
    [
        "bugsly",
        "nas.local",
        "host.docker.internal",
        "bugsly.default.svc",
        "bugsly.home.arpa.",
        "10.0.0.7",
        "192.168.1.2",
        "100.100.1.1",
        "fd00::7",
        "fe80::1",
    ],
)
def test_plain_text_in_a_local_network_can_be_read_there(host: str) -> None:
    assert plain_text_risk(dsn(host=host)) is PlainTextRisk.NETWORK


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST.", "app.localhost", "127.0.0.1", "127.9.9.9", "::1"]
)
def test_plain_text_that_stays_on_the_machine_is_no_risk(host: str) -> None:
    assert plain_text_risk(dsn(host=host)) is PlainTextRisk.NONE
