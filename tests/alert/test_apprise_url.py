"""What is shown of an Apprise URL."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bugsly_server.alert.apprise_url import masked, scrub

MAIL = (
    "mailto://ops:pa55word@example.com:587/oncall@example.com?smtp=mail.example.com&to=x@y.example"
)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (MAIL, "mailto://example.com:587/…"),
        ("mailtos://example.com?pass=s3cret", "mailtos://example.com/…"),
        ("json://ops:pa55word@10.0.0.1:8080/path", "json://10.0.0.1:8080/…"),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ", "slack://…"),
        ("tgram://123456789:abcdefg/987", "tgram://…"),
        ("ntfy://my-secret-topic", "ntfy://…"),
        ("https://hooks.slack.com/services/T1/B1/secret", "https://…"),
        ("nonsense", "nonsense://…"),
    ],
)
def test_only_what_is_known_to_be_a_host_is_shown(url: str, shown: str) -> None:
    assert masked(url) == shown


@pytest.mark.parametrize(
    ("said", "url", "left"),
    [
        ("login ops:pa55word failed", MAIL, "login ops:*** failed"),
        ("mail.example.com refused x@y.example", MAIL, "mail.example.com refused x@y.example"),
        (
            "POST /bot123456:ABCdef/sendMessage",
            "tgram://123456:ABCdef/9876",
            "POST /bot***/sendMessage",
        ),
        (
            "to https://h/t1jj3t3l2 failed",
            "slack://T1JJ3T3L2/A1BRTD4JD/x",
            "to https://h/*** failed",
        ),
        ("key is a b", "json://h/?key=a%20b%20", "key is a b"),
        ("key is with space", "json://h/?key=with%20space", "key is ***"),
        ("p is a loopback", "mailto://ops:p@example.com", "*** is a loopback"),
        ("nothing secret", "json://example.com", "nothing secret"),
    ],
)
def test_what_may_be_secret_is_removed(said: str, url: str, left: str) -> None:
    assert scrub(said, url) == left


SECRET = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=8, max_size=40)


@given(
    SECRET,
    st.sampled_from(
        [
            "slack://{}/b/c",
            "tgram://1:{}/2",
            "mailto://a:{}@example.com",
            "json://h/{}",
            "ntfy://h/?token={}",
            "foo://x@{}/",
        ]
    ),
)
def test_a_token_is_removed_wherever_it_stands_in_the_url(token: str, shape: str) -> None:
    url = shape.format(token)
    assert token not in scrub(f"cannot reach {url} ({token.upper()})", url).lower()
