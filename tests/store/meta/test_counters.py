from tests.support.clock import START

from bugsly_server.clock import DAY
from bugsly_server.store.meta import counters, projects
from bugsly_server.store.meta.database import Database


def test_amounts_add_up_by_reason_since_a_day(database: Database) -> None:
    with database.writing() as connection:
        one = projects.ensure(connection, "one", START).id
        other = projects.ensure(connection, "other", START).id
        counters.add(connection, {(one, "late"): 2, (one, "odd"): 5, (other, "late"): 9}, START)
        counters.add(connection, {(one, "late"): 1}, START + DAY)
        assert counters.since(connection, one, START) == {"odd": 5, "late": 3}
        assert list(counters.since(connection, one, START)) == ["odd", "late"]
        assert counters.since(connection, one, START + DAY) == {"late": 1}
        counters.forget(connection, START + DAY)
        assert counters.since(connection, one, 0) == {"late": 1}
