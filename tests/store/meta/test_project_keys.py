from contextlib import closing
from pathlib import Path

from sqlalchemy import text
from tests.support import earlier_data_folder
from tests.support.clock import START

from bugsly_server.clock import DAY, SECOND
from bugsly_server.key_use_recorder import KeyUseRecorder
from bugsly_server.model.project_key import ProjectKeyKind
from bugsly_server.store.meta import project_keys, projects
from bugsly_server.store.meta.database import Database


def test_after_a_rotation_both_keys_work_until_the_old_one_ends(database: Database) -> None:
    with database.writing() as connection:
        project = projects.ensure(connection, "shop", START)
        old = project_keys.ensure(connection, project.id, ProjectKeyKind.SDK, START)
        project_keys.change(connection, project.id, old.public, "front", ("https://shop.test",))
        changed = project_keys.get(connection, project.id, old.public)
        assert changed is not None
        new = project_keys.rotate(connection, changed, START + DAY, START + SECOND)
        known = project_keys.by_public(connection)
    assert new.public != old.public
    assert (new.kind, new.name, new.origins) == (
        ProjectKeyKind.SDK,
        "front",
        ("https://shop.test",),
    )
    assert known[new.public].ends_at is None
    assert known[old.public].ends_at == START + DAY


def test_new_clients_get_the_new_key_also_while_both_may_be_used_for_ever(
    database: Database,
) -> None:
    with database.writing() as connection:
        project = projects.ensure(connection, "shop", START)
        old = project_keys.ensure(connection, project.id, ProjectKeyKind.AGENT, START)
        new = project_keys.rotate(connection, old, None, START + SECOND)
        assert project_keys.ensure(connection, project.id, ProjectKeyKind.AGENT, START) == new


def test_a_key_is_made_where_all_of_its_kind_were_revoked(database: Database) -> None:
    with database.writing() as connection:
        project = projects.ensure(connection, "shop", START)
        for key in project_keys.list_of_project(connection, project.id):
            project_keys.revoke(connection, project.id, key.public)
        assert project_keys.by_public(connection) == {}
        made = project_keys.ensure(connection, project.id, ProjectKeyKind.SDK, START)
        assert project_keys.list_of_project(connection, project.id) == [made]


def test_a_key_is_found_in_its_own_project_only(database: Database) -> None:
    with database.writing() as connection:
        shop = projects.ensure(connection, "shop", START)
        other = projects.ensure(connection, "other", START)
        key = project_keys.ensure(connection, shop.id, ProjectKeyKind.AGENT, START)
        assert project_keys.get(connection, shop.id, key.public) == key
        assert project_keys.get(connection, other.id, key.public) is None


def test_uses_are_stored_when_they_are_new(database: Database) -> None:
    with database.writing() as connection:
        project = projects.ensure(connection, "shop", START)
        key = project_keys.ensure(connection, project.id, ProjectKeyKind.AGENT, START)
    used_at: dict[str, int] = {}
    recorder = KeyUseRecorder(database, used_at)
    for moment in (START, START + SECOND):
        used_at[key.public] = moment
        recorder.run_once()
        with database.reading() as connection:
            found = project_keys.get(connection, project.id, key.public)
        assert found is not None
        assert found.used_at == moment


def test_keys_of_an_earlier_folder_may_do_what_they_could(tmp_path: Path) -> None:
    with closing(earlier_data_folder.lay_out_database(tmp_path)) as database:
        with database.reading() as connection:
            before = connection.execute(text("SELECT public FROM key")).scalars().all()
        database.migrate()
        with database.reading() as connection:
            keys = project_keys.by_public(connection)
    assert sorted(keys) == sorted(before) != []
    for key in keys.values():
        assert (key.kind, key.ends_at) == (ProjectKeyKind.AGENT, None)
        assert key.allows_origin("https://shop.test")
