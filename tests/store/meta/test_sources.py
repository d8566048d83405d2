from tests.support.clock import START

from bugsly.protocol.evidence import ModuleSource
from bugsly_server.store.meta import projects, sources
from bugsly_server.store.meta.database import Database


def source(file: str = "views.py", text: str = "x = []", *, edited: bool = False) -> ModuleSource:
    return ModuleSource(file=file, module=file.removesuffix(".py"), text=text, edited=edited)


def shop(database: Database, slug: str = "shop") -> int:
    with database.writing() as connection:
        return projects.ensure(connection, slug, START).id


def keep(
    database: Database, project: int, *read: ModuleSource, at: int = START
) -> dict[str, ModuleSource]:
    with database.writing() as connection:
        sources.save(connection, project, read, at)
        return sources.by_file(connection, project)


def test_the_text_that_was_read_last_is_the_one_that_is_known(database: Database) -> None:
    project = shop(database)
    keep(database, project, source(text="old"), source("models.py"))
    changed = source(text="new", edited=True)
    assert keep(database, project, changed) == {
        "views.py": changed,
        "models.py": source("models.py"),
    }


def test_projects_keep_their_sources_apart(database: Database) -> None:
    project, other = shop(database), shop(database, "billing")
    keep(database, project, source(text="mine"))
    assert keep(database, other, source(text="theirs")) == {"views.py": source(text="theirs")}
    assert keep(database, project) == {"views.py": source(text="mine")}


def test_the_same_text_has_the_same_digest_wherever_it_was_read(database: Database) -> None:
    project, other = shop(database), shop(database, "billing")
    keep(database, project, source(text="é"))
    keep(database, other, source("other.py", text="é"), source(text="e"))
    with database.reading() as connection:
        mine = sources.digests(connection, project)
        theirs = sources.digests(connection, other)
    assert mine["views.py"] == theirs["other.py"] != theirs["views.py"]


def test_a_project_has_two_hundred_sources_those_seen_last(database: Database) -> None:
    project = shop(database)
    keep(database, project, *[source(f"{n}.py") for n in range(150)])
    later = [source(f"{n}.py") for n in range(100, 210)]
    known = keep(database, project, *later, at=START + 1)
    assert len(known) == 200
    assert {one.file for one in later} <= known.keys()


def test_sources_of_a_project_take_twenty_megabytes_at_most(database: Database) -> None:
    project = shop(database)
    for number in range(15):
        known = keep(database, project, source(f"{number}.py", "ü" * 1_000_000), at=START + number)
    assert known.keys() == {f"{number}.py" for number in range(5, 15)}
