from tests.support.clock import START

from bugsly_server.clock import DAY
from bugsly_server.store.meta import counters, projects
from bugsly_server.store.meta.database import Database


def test_amounts_add_up_by_reason_since_a_day(database: Database) -> None:
    with database.writing() as connection:
        first_project = projects.ensure(connection, "one", START).id
        second_project = projects.ensure(connection, "other", START).id
        counters.add(
            connection,
            {(first_project, "late"): 2, (first_project, "odd"): 5, (second_project, "late"): 9},
            START,
        )
        counters.add(connection, {(first_project, "late"): 1}, START + DAY)
        assert counters.totals_since(connection, first_project, START) == {"odd": 5, "late": 3}
        assert list(counters.totals_since(connection, first_project, START)) == ["odd", "late"]
        assert counters.totals_since(connection, first_project, START + DAY) == {"late": 1}
        counters.delete_before(connection, START + DAY)
        assert counters.totals_since(connection, first_project, 0) == {"late": 1}
