from collections.abc import Iterator
from pathlib import Path

import pytest

from bugsly_server.store.meta.database import Database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "meta.db")
    database.migrate()
    yield database
    database.close()
