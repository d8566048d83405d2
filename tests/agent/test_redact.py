import pytest

from bugsly.redact import redact_source


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ('app.config["SECRET_KEY"] = "hunter2"', 'app.config["SECRET_KEY"] = "[redacted]"'),
        ("PASSWORD: str = 'hunter2'", "PASSWORD: str = '[redacted]'"),
        ("connect(password='hunter2', user='ada')", "connect(password='[redacted]', user='ada')"),
        ('{"api_key": "hunter2"}', '{"api_key": "[redacted]"}'),
        ("DB = 'postgres://ada:hunter2@db/shop'", "DB = 'postgres://ada:[redacted]@db/shop'"),
        ('TOKEN = f"{prefix}-hunter2"', 'TOKEN = f"[redacted]"'),
        ('request_log.append({"path": "/a"})', 'request_log.append({"path": "/a"})'),
        ("tokens = []", "tokens = []"),
        ('mode = "password"', 'mode = "password"'),
    ],
)
def test_literals_that_look_like_secrets_stay_in_the_process(line: str, left: str) -> None:
    assert redact_source(f"x = 1\n{line}\ny = 2\n") == f"x = 1\n{left}\ny = 2\n"
