"""The migration of stored findings from version 1 to version 2."""

import json
import runpy
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from tests.support import earlier_data_folder
from tools.golden import FOLDER

from bugsly_server.store.meta.database import HEAD_REVISION, MIGRATIONS, Database
from bugsly_server.store.records.finding import finding_from_json

MIGRATION = runpy.run_path(str(MIGRATIONS / "versions" / "0006_finding_records.py"))
FINDINGS = (
    "SELECT finding FROM issue WHERE finding != '' UNION ALL"
    " SELECT told FROM issue WHERE told IS NOT NULL UNION ALL"
    " SELECT finding FROM change WHERE finding IS NOT NULL"
)
COPY_OF_ISSUE = (
    "INSERT INTO issue (project_id, fingerprint, state, opened_at, changed_at, seen_at, finding)"
    " SELECT project_id, :fingerprint, state, opened_at, changed_at, seen_at, finding"
    " FROM issue WHERE id = 1"
)
STOP_IN_BETWEEN = (
    "CREATE TRIGGER stop BEFORE UPDATE ON change WHEN NEW.id = 7"
    " BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
)


@pytest.fixture
def earlier(tmp_path: Path) -> Iterator[Database]:
    """Give a database of schema 0005."""
    with closing(earlier_data_folder.lay_out_database(tmp_path)) as database:
        yield database


def execute(database: Database, statement: str, **values: Any) -> None:
    with database.writing() as connection:
        connection.execute(text(statement), values)


def stored_findings(database: Database) -> list[Any]:
    with database.reading() as connection:
        return [json.loads(one) for one in connection.execute(text(FINDINGS)).scalars()]


def test_every_stored_finding_is_brought_to_version_2(earlier: Database) -> None:
    before = stored_findings(earlier)
    assert not any("version" in one for one in before)
    earlier.migrate()
    after = stored_findings(earlier)
    assert len(after) == len(before) > 10
    assert {one["version"] for one in after} == {2}


def test_a_migration_that_is_interrupted_begins_anew(earlier: Database, tmp_path: Path) -> None:
    before = stored_findings(earlier)
    execute(earlier, STOP_IN_BETWEEN)
    with pytest.raises(SQLAlchemyError, match="the disk is full"):
        earlier.migrate()
    assert (earlier.version(), stored_findings(earlier)) == ("0005", before)
    execute(earlier, "DROP TRIGGER stop")
    earlier.migrate()
    assert earlier.version() == HEAD_REVISION
    golden = (FOLDER / "old_folder.json").read_text(encoding="utf-8")
    assert earlier_data_folder.render_database(earlier, tmp_path) == golden


def test_what_is_of_version_2_already_is_left_alone(earlier: Database) -> None:
    first = stored_findings(earlier)[0]
    upgraded = json.dumps(MIGRATION["finding_from_version_1"](first))
    execute(earlier, "UPDATE issue SET finding = :finding WHERE id = 1", finding=upgraded)
    earlier.migrate()
    assert json.loads(upgraded) in stored_findings(earlier)


def test_more_findings_than_a_batch_are_all_brought_over(earlier: Database) -> None:
    number = 2 * MIGRATION["BATCH_SIZE"] + 1
    for copy in range(number):
        execute(earlier, COPY_OF_ISSUE, fingerprint=f"1/copy/{copy}")
    earlier.migrate()
    after = stored_findings(earlier)
    assert len(after) > number
    assert {one["version"] for one in after} == {2}


def test_what_was_empty_in_version_1_is_none_in_version_2(earlier: Database) -> None:
    finding = stored_findings(earlier)[0]
    unknown = dict.fromkeys(("holder", "site", "file", "endpoint", "known", "unread"), "")
    finding["diagnosis"] |= {**unknown, "shares": [], "trace": None}
    finding["explanation"] |= {"diff": "", "link": ""}
    found = finding_from_json(json.dumps(MIGRATION["finding_from_version_1"](finding)))
    assert found.diagnosis is not None
    assert found.explanation is not None
    assert found.diagnosis.holder is None
    assert found.diagnosis.location.site is None
    assert found.diagnosis.location.file is None
    assert found.diagnosis.location.unread_module is None
    assert found.diagnosis.attribution.endpoint is None
    assert found.diagnosis.known_leak is None
    assert (found.explanation.fix.diff, found.explanation.fix.link) == (None, None)


def test_fields_that_version_1_got_late_may_be_missing(earlier: Database) -> None:
    finding = stored_findings(earlier)[0]
    for name in ("library", "known", "entries", "trace", "kind", "symptom"):
        del finding["diagnosis"][name]
    for name in ("leaves", "keyed", "unread"):
        del finding["diagnosis"][name]
    for name in ("diff", "link", "culprit"):
        del finding["explanation"][name]
    for name in ("environment", "since", "recycled"):
        del finding[name]
    found = finding_from_json(json.dumps(MIGRATION["finding_from_version_1"](finding)))
    assert found.diagnosis is not None
    assert found.diagnosis.holder is not None
    assert (found.diagnosis.library, found.diagnosis.holder.entries) == (None, 0)
    assert (found.environment, found.since, found.recycled) == ("", 0, None)
