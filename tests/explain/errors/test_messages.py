"""Messages of machines that the tests have not got: other databases, kernels and JavaScript."""

import pytest
from tests.support.error_events import error_event, explained, frame

from bugsly_server.explain.errors.rule_engine import explain_error
from bugsly_server.model.error_explanation import ErrorContext

EXPIRED = (
    "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired"
    " (_ssl.c:1006)"
)
CIRCULAR = (
    "cannot import name 'db' from partially initialized module 'shop' (most likely due to a"
    " circular import) (/app/shop.py)"
)
ZOD = (
    '[ { "code": "invalid_type", "path": [ "window", "width" ],'
    ' "message": "Expected number, received string" } ]'
)
PG = "(psycopg.OperationalError) connection failed: "


@pytest.mark.parametrize(
    ("kind", "value", "rule", "says"),
    [
        ("OperationalError", f'{PG}FATAL:  password authentication failed for user "shop"',
         "database-password", "`shop`"),
        ("OperationalError", f'{PG}FATAL:  database "shop" does not exist',
         "database-unknown", "`shop`"),
        ("OperationalError", "SSL error: decryption failed or bad record mac",
         "database-after-fork", "post_fork"),
        ("OperationalError", 'lost synchronization with server: got message type "x"',
         "database-after-fork", "post_fork"),
        ("OperationalError", "server closed the connection unexpectedly\n\tThis probably means",
         "database-went-away", "pool_pre_ping"),
        ("OperationalError", "FATAL:  sorry, too many clients already",
         "database-connections-used-up", "max_overflow"),
        ("OperationalError", "(2003, \"Can't connect to MySQL server on 'db' (111)\")",
         "database-unreachable", "at `db`"),
        ("ProgrammingError", 'relation "users" does not exist\nLINE 1: SELECT', "table-missing",
         "`users`"),
        ("ProgrammingError", "column users.phone does not exist", "column-missing",
         "`users.phone`"),
        ("IntegrityError", 'duplicate key value violates unique constraint "users_email_key"',
         "unique", "`users_email_key`"),
        ("OperationalError", "(1213, 'Deadlock found when trying to get lock')", "deadlock", ""),
        ("OSError", "[Errno 24] Too many open files: '/tmp/x'", "too-many-open-files", "with"),
        ("OSError", "[Errno 28] No space left on device", "disk-full", "df -h"),
        ("PermissionError", "[Errno 13] Permission denied: '/srv/log'", "file-not-permitted",
         "`/srv/log`"),
        ("ConnectionResetError", "[Errno 104] Connection reset by peer", "connection-reset", ""),
        ("SSLError", EXPIRED, "certificate", "certificate has expired"),
        ("ImportError", CIRCULAR, "import-circular", "`shop`"),
        ("TypeError", "Cannot read properties of undefined (reading 'name')",
         "javascript-undefined",
         "`user` is undefined when `.name` is used"),
        ("ReferenceError", "require is not defined", "javascript-not-defined", "contextBridge"),
        ("ValidationError", "User validation failed: email: Path `email` is required.", "mongoose",
         "`email`"),
        ("ZodError", ZOD, "javascript-schema", "`window.width`"),
        ("ValidationError", "data/window/width must be number", "ajv", "/window/width"),
    ],
)  # fmt: skip
def test_what_other_machines_say_is_told_by_its_message(
    kind: str, value: str, rule: str, says: str
) -> None:
    found = explained(error_event(kind, value, frame("const name = user.name;")))
    assert found.rule == rule
    assert says in f"{found.title}\n{found.what}\n{found.why}\n{found.fix}"


NO_UPPER = "'NoneType' object has no attribute 'upper'"


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("", "There, `name` is None."),
        ("} for name in (", "There, `name` is None."),
        ("def shout(name): return name.upper()", "`name` is None where its `.upper` is used"),
        ("shout = lambda user: user.name.upper()", "`user.name` is None where its `.upper`"),
    ],
)
def test_a_none_is_told_as_a_none_whatever_is_known_of_its_source(code: str, says: str) -> None:
    event = error_event("AttributeError", NO_UPPER, frame(code, locals={"name": "None"}))
    found = explained(event)
    assert found.rule.startswith("none-")
    assert says in f"{found.title}\n{found.what}\n{found.why}"
    assert "misspelt" not in f"{found.why}{found.fix}"


def test_a_broker_that_refuses_is_no_database() -> None:
    event = error_event(
        "OperationalError", "[Errno 111] Connection refused", frame("send.delay(1)"),
        module="kombu.exceptions",
    )  # fmt: skip
    found = explained(event)
    assert found.rule == "broker-unreachable"
    assert "DATABASE_URL" not in found.fix


@pytest.mark.parametrize("platform", ["ruby", "go", "csharp", "javascript", "node"])
def test_python_s_advice_is_not_given_to_other_languages(platform: str) -> None:
    raised = frame("user[:name].upcase")
    event = error_event("KeyError", "'name'", raised, platform=platform)
    assert explain_error(event, ErrorContext()) is None


def test_javascript_s_advice_is_not_given_to_python() -> None:
    event = error_event("ReferenceError", "name is not defined", frame("name"), platform="python")
    assert explain_error(event, ErrorContext()) is None
