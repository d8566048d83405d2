import pytest
from tests.support.clock import START

from bugsly_server.clock import SECOND
from bugsly_server.errors import Misconfigured
from bugsly_server.model.project_key import ProjectKeyKind
from bugsly_server.store.meta import project_keys, projects
from bugsly_server.store.meta.database import Database


def test_a_project_is_made_once_with_a_key_of_each_kind(database: Database) -> None:
    with database.writing() as connection:
        made = projects.ensure(connection, "shop", START)
        again = projects.ensure(connection, "shop", START + SECOND)
        other = projects.ensure(connection, "billing", START)
        assert made == again == projects.by_slug(connection, "shop")
        keys = project_keys.by_public(connection).values()
        assert sorted((one.project_id, one.kind) for one in keys) == [
            (made.id, ProjectKeyKind.AGENT),
            (made.id, ProjectKeyKind.SDK),
            (other.id, ProjectKeyKind.AGENT),
            (other.id, ProjectKeyKind.SDK),
        ]
        assert [one.slug for one in projects.list_all(connection)] == ["billing", "shop"]


@pytest.mark.parametrize("slug", ["a", "shop-2", "0", "a-b-c", "x" * 60])
def test_good_names(database: Database, slug: str) -> None:
    with database.writing() as connection:
        assert projects.ensure(connection, slug, START).slug == slug


@pytest.mark.parametrize("slug", ["", "Shop", "my shop", "-a", "a-", "a--b", "ü", "x" * 61, "a\n"])
def test_bad_names_are_told_in_one_line(database: Database, slug: str) -> None:
    with pytest.raises(Misconfigured) as problem, database.writing() as connection:
        projects.ensure(connection, slug, START)
    assert str(problem.value) == (
        f"project: {slug!r} is no name for one → use letters a to z, digits and hyphens"
    )
