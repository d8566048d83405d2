"""@sentry/node: key in the query, chunked bodies without a length, items without one."""

import subprocess
from pathlib import Path

from tests.support.known_errors import known
from tests.support.serving import Project, Serving
from tests.support.wait import wait_until


def test_exceptions_of_one_line_become_one_error(
    server: Serving, project: Project, dsn: str, npm: Path
) -> None:
    subprocess.run(["node", "throw.mjs", dsn], cwd=npm, check=True, timeout=60)
    wait_until(lambda: [one.count for one in known(server, project)] == [3], what="one error")
    (error,) = known(server, project)
    assert error.title.startswith("TypeError: Cannot read properties of undefined")
    assert error.place.startswith("checkout in ")
    assert (error.release, error.environment, error.users) == ("1.0", "staging", 3)
