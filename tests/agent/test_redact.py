from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bugsly.redact import REDACTED, is_secret_name, redact_source, redact_text

PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w"
TOKENS = (
    JWT,
    PEM,
    "AKIAIOSFODNN7EXAMPLE",
    "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "xoxb-17653672481-19874698323",
    "sk-proj-abcdefghijklmnop1234",
    "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
    "glpat-abcdefghij1234567890",
    "4111 1111 1111 1111",
    "5555555555554444",
    "378282246310005",
)


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ('app.config["SECRET_KEY"] = "hunter2"', 'app.config["SECRET_KEY"] = "[redacted]"'),
        ("PASSWORD: str = 'hunter2'", "PASSWORD: str = '[redacted]'"),
        ("connect(password='hunter2', user='ada')", "connect(password='[redacted]', user='ada')"),
        ("connect(db_pass='hunter2')", "connect(db_pass='[redacted]')"),
        ('{"api_key": "hunter2"}', '{"api_key": "[redacted]"}'),
        ("DB = 'postgres://ada:hunter2@db/shop'", "DB = 'postgres://ada:[redacted]@db/shop'"),
        ('TOKEN = f"{prefix}-hunter2"', 'TOKEN = f"[redacted]"'),
        (f'KEY = """{PEM}"""', 'KEY = """[redacted]\n\n"""'),
        ('request_log.append({"path": "/a"})', 'request_log.append({"path": "/a"})'),
        ("passengers = 'ada'", "passengers = 'ada'"),
        ("tokens = []", "tokens = []"),
        ('mode = "password"', 'mode = "password"'),
    ],
)
def test_literals_that_look_like_secrets_stay_in_the_process(line: str, left: str) -> None:
    assert redact_source(f"x = 1\n{line}\ny = 2\n") == f"x = 1\n{left}\ny = 2\n"


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "DB_PASSWORD",
        "userPassword",
        "passwd",
        "pwd",
        "db_pass",
        "secret",
        "SECRET_KEY",
        "clientSecret",
        "token",
        "csrf_token",
        "authToken",
        "X-Api-Key",
        "apikey",
        "Authorization",
        "Proxy-Authorization",
        "auth",
        "Cookie",
        "Set-Cookie",
        "session",
        "sessionId",
        "SENTRY_DSN",
        "private_key",
        "AWS_ACCESS_KEY",
        "credentials",
        "XSRF",
        "card_cvv",
        "pin",
    ],
)
def test_a_name_of_a_secret_is_known(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    ["", "author", "tokens", "max_tokens", "passenger", "compass", "key", "keyboard", "id", "spin"],
)
def test_other_names_are_left_alone(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("password=hunter2&page=3", "password=[redacted]&page=3"),
        ("a=1&access_token=abc", "a=1&access_token=[redacted]"),
        ("{'api_key': 'a b c', 'n': 1}", "{'api_key': [redacted], 'n': 1}"),
        ("{'token': b'abc'}", "{'token': [redacted]}"),
        ('{"session_id": "x\\"y", "n": 1}', '{"session_id": [redacted], "n": 1}'),
        ('{\\"password\\": \\"hunter2\\"}', '{\\"password\\": [redacted]}'),
        ("[('X-Api-Key', 'abc'), ('a', 'b')]", "[('X-Api-Key', [redacted]), ('a', 'b')]"),
        ("['token', 'name']", "['token', 'name']"),
        ("Authorization: Bearer abcdefgh.ij", "Authorization: [redacted]"),
        ("sent Bearer abcdefgh.ij to it", "sent Bearer [redacted] to it"),
        ("basic YWRhOmh1bnRlcjI=", "basic [redacted]"),
        ("http://shop.test:8000/mail/ada@shop.test", "http://shop.test:8000/mail/ada@shop.test"),
        ("redis://:hunter2@cache:6379/0", "redis://:[redacted]@cache:6379/0"),
        ("postgres://ada:hunter2@db/shop", "postgres://ada:[redacted]@db/shop"),
        ("https://0123456789abcdef@bugs.test/1", "https://[redacted]@bugs.test/1"),
        ("got -----BEGIN PRIVATE KEY-----\\nMIIE", "got [redacted]"),
        ("order 1234567890123456 of 2026", "order 1234567890123456 of 2026"),
        ("at 1732500000.4111111111111111 s", "at 1732500000.4111111111111111 s"),
        ("invalid literal for int(): 'abc'", "invalid literal for int(): 'abc'"),
    ],
)
def test_a_secret_in_a_text_is_replaced(text: str, left: str) -> None:
    assert redact_text(text) == left


AROUND = st.text(st.sampled_from(" \t\nxyZ.,:;=/?&()[]{}'\"_-%é\\@") | st.characters(), max_size=40)


@given(AROUND, st.sampled_from(TOKENS), AROUND)
def test_a_token_of_a_known_kind_never_survives(before: str, token: str, after: str) -> None:
    text = f"{before} {token} {after}"
    assert token not in redact_text(text)


@given(
    AROUND,
    st.sampled_from(["password", "api_key", "csrf-token", "SECRET", "dsn"]),
    st.sampled_from(["=", ": ", "': '", '": "', " = "]),
    st.from_regex(r"[a-z0-9]{10,30}hunter2", fullmatch=True),
)
def test_what_is_given_to_a_name_of_a_secret_never_survives(
    before: str, name: str, by: str, secret: str
) -> None:
    assert secret not in redact_text(f"{before}{name}{by}{secret}")


WORDS = [
    "token",
    "password",
    "=",
    ":",
    "'",
    '"',
    "Bearer ",
    JWT,
    "://",
    "@",
    "abcdefgh",
    " ",
    REDACTED,
]


@example("bearer 0\x1b000Pass=hunter22")
@given(st.lists(st.sampled_from(WORDS) | st.text(max_size=5), max_size=30).map("".join))
def test_redacting_twice_is_redacting_once_and_never_makes_much_of_little(text: str) -> None:
    once = redact_text(text)
    assert redact_text(once) == once
    assert len(once) <= 3 * len(text) + len(REDACTED)


@pytest.mark.parametrize("redact", [redact_text, redact_source])
@pytest.mark.parametrize("piece", ["eyJ-", "-eyJ", "a.eyJ-", "eyJaaaaaaa.aaaaaaa"])
def test_many_starts_of_a_token_end_within_the_time_of_a_test(
    piece: str, redact: Callable[[str], str]
) -> None:
    assert redact(f"a {piece * 50_000}").startswith("a ")


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        (f"token-{JWT} x", f"token-{REDACTED} x"),
        (f"abceyJaaaa.{JWT}", f"abceyJaaaa.{REDACTED}"),
        (f"x-eyJ.{JWT}", f"x-eyJ.{REDACTED}"),
        ("eyJ.short", "eyJ.short"),
        ("they saw deyJavu.b", "they saw deyJavu.b"),
    ],
)
def test_a_web_token_is_redacted_from_where_it_starts(text: str, redacted: str) -> None:
    assert redact_text(text) == redacted
