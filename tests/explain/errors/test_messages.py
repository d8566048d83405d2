"""Messages of machines that the tests have not got: other databases, kernels and JavaScript."""

import pytest
from tests.support.error_events import error_event, explained, frame

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
