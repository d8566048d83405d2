import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, TextClause, create_engine, insert, text
from sqlalchemy.exc import IntegrityError

from bugsly_server.store.meta import error_tables, evidence_tables
from bugsly_server.store.meta.database import HEAD_REVISION, MIGRATIONS, Database
from bugsly_server.store.meta.tables import METADATA, key

MIGRATE = (
    "import sys; from pathlib import Path;"
    "from bugsly_server.store.meta.database import Database;"
    "database = Database(Path(sys.argv[1])); database.migrate(); print(database.version())"
)


def columns(connection: Connection) -> dict[str, list[tuple[object, ...]]]:
    """Return name, type, nullability, default and key of every column, by table."""
    assert {error_tables.error.name, evidence_tables.probe_request.name} <= set(METADATA.tables)
    return {
        name: sorted(
            tuple(row[1:]) for row in connection.execute(text(f"PRAGMA table_info({name})"))
        )
        for name in METADATA.tables
    }


def test_migrations_lead_to_the_tables(database: Database) -> None:
    with database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_migrated_columns_have_the_types_and_defaults_of_the_tables(database: Database) -> None:
    with create_engine("sqlite://").begin() as connection:
        METADATA.create_all(connection)
        declared = columns(connection)
    with database.reading() as connection:
        assert columns(connection) == declared


def test_the_newest_migration_is_the_one_the_server_asks_for() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD_REVISION]


def test_an_empty_database_has_no_version_until_it_is_migrated(tmp_path: Path) -> None:
    database = Database(tmp_path / "meta.db")
    assert database.version() is None
    database.migrate()
    assert database.version() == HEAD_REVISION
    database.close()


def test_migrating_again_changes_nothing(database: Database) -> None:
    with database.writing() as connection:
        connection.execute(text("INSERT INTO project (slug, created_at) VALUES ('shop', 1)"))
    database.migrate()
    with database.reading() as connection:
        assert connection.execute(text("SELECT slug FROM project")).scalar_one() == "shop"


def test_processes_that_migrate_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    command = [sys.executable, "-c", MIGRATE, str(tmp_path / "meta.db")]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert [one.communicate(timeout=60)[0].strip() for one in started] == [HEAD_REVISION] * 4
    assert {one.returncode for one in started} == {0}


def test_a_path_with_odd_characters_can_be_migrated(tmp_path: Path) -> None:
    database = Database(tmp_path / "a %d b's ü" / "meta.db")
    database.migrate()
    assert database.version() == HEAD_REVISION
    database.close()


def test_what_refers_to_nothing_is_not_stored(database: Database) -> None:
    orphan = insert(key).values(public="a" * 32, project_id=99, created_at=1)
    with pytest.raises(IntegrityError, match="FOREIGN KEY"), database.writing() as connection:
        connection.execute(orphan)


def test_a_block_that_fails_leaves_nothing_behind(database: Database) -> None:
    twice = text("INSERT INTO project (slug, created_at) VALUES ('shop', 1), ('shop', 1)")
    once = text("INSERT INTO project (slug, created_at) VALUES ('other', 1)")
    with pytest.raises(IntegrityError), database.writing() as connection:
        _execute(connection, once, twice)
    with database.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM project")).scalar_one() == 0


def _execute(connection: Connection, *statements: TextClause) -> None:
    for statement in statements:
        connection.execute(statement)


def test_a_reader_sees_one_state_while_others_write(database: Database) -> None:
    count = text("SELECT count(*) FROM project")
    with database.reading() as reader:
        before = reader.execute(count).scalar_one()
        with database.writing() as writer:
            writer.execute(text("INSERT INTO project (slug, created_at) VALUES ('shop', 1)"))
        assert reader.execute(count).scalar_one() == before
    with database.reading() as reader:
        assert reader.execute(count).scalar_one() == before + 1
