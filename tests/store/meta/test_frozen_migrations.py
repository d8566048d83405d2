"""Migrations that have landed stay as they are: a folder somewhere has been through them.

`tests/golden/migrations.txt` is what `sha256sum` says of each. A new one adds its line:

    cd server/src/bugsly_server/store/migrations/versions
    sha256sum 0042_name.py >> "$(git rev-parse --show-toplevel)/tests/golden/migrations.txt"
"""

import hashlib

import pytest
from tests.support.python_versions import ROOT

from bugsly_server.store.meta.database import MIGRATIONS

FROZEN = ROOT / "tests" / "golden" / "migrations.txt"
FROZEN_HASHES = {name: digest for digest, name in map(str.split, FROZEN.read_text().splitlines())}
FILES = {file.name: file for file in sorted((MIGRATIONS / "versions").glob("*.py"))}


@pytest.mark.parametrize("name", sorted(FROZEN_HASHES.keys() | FILES.keys()))
def test_a_migration_that_has_landed_is_not_changed(name: str) -> None:
    assert name in FILES, f"{name} is gone → restore it"
    assert name in FROZEN_HASHES, f"{name} is new → add its line as this file's first lines say"
    found = hashlib.sha256(FILES[name].read_bytes()).hexdigest()
    assert found == FROZEN_HASHES[name], f"{name} has changed → restore it, and write a new one"
