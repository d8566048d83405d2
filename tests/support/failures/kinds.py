"""Indexes, arguments and values of the wrong type."""

from tests.support.failures import Failure

CASES = (
    Failure(
        "index-outside",
        """
        def latest(orders):
            return orders[0]

        latest([])
        """,
        ("`orders` is empty", "element 0", "if orders:"),
        2,
    ),
    Failure(
        "index-outside",
        """
        parts = "tea".split("-")
        at = 1
        size = parts[at]
        """,
        ("`parts` is too short", "element 1"),
        3,
    ),
    Failure(
        "index-pop",
        """
        waiting = []
        waiting.pop()
        """,
        ("`waiting` is empty",),
        2,
    ),
    Failure(
        "iterator-at-its-end",
        """
        orders = [3, 4]
        big = next(one for one in orders if one > 9)
        """,
        ("found nothing", "one > 9", "None"),
        2,
    ),
    Failure(
        "argument-missing",
        """
        def ship(order, address):
            return order, address

        ship(7)
        """,
        ("`ship()` is called without 'address'", "shop/views.py:4"),
        4,
    ),
    Failure(
        "argument-unexpected",
        """
        def ship(order, address):
            return order, address

        ship(7, adress="Lane 1")
        """,
        ("`ship()` has no argument `adress`",),
        4,
    ),
    Failure(
        "argument-too-many",
        """
        class Basket:
            def clear():
                pass

        Basket().clear()
        """,
        ("`Basket.clear()` takes 0", "got 1", "`self` may be missing"),
        5,
    ),
    Failure(
        "argument-twice",
        """
        def price(item, currency):
            return item, currency

        price("tea", item="milk", currency="EUR")
        """,
        ("`price()` gets `item` twice",),
        4,
    ),
    Failure(
        "operands",
        """
        count = 3
        text = "Items: " + count
        """,
        ("`count` was 3", "str(…)"),
        2,
        diff=('+text = "Items: " + str(count)',),
    ),
    Failure(
        "operands",
        """
        age = "17"
        if age < 18:
            pass
        """,
        ("`age` was '17'", "int(…)", "Values from a form"),
        2,
    ),
    Failure(
        "not-able",
        """
        list = ["tea"]
        names = list("abc")
        """,
        ("`list` is a list, which is not callable", "hides the function"),
        2,
    ),
    Failure(
        "not-able",
        """
        def prices():
            return [1, 2]

        first = prices[0]
        """,
        ("`prices` is a function, which is not subscriptable", "parentheses"),
        4,
    ),
    Failure(
        "indices-must-be",
        """
        answer = [{"id": 7}]
        number = answer["id"]
        """,
        ("A list is indexed with a str", "JSON whose top level is an array"),
        2,
    ),
    Failure(
        "unhashable",
        """
        seen = set()
        seen.add(["tea", 1])
        """,
        ("A list is used as a dict key", "tuple"),
        2,
    ),
    Failure(
        "not-for-json",
        """
        import json
        from datetime import date

        json.dumps({"due": date(2026, 11, 25)})
        """,
        ("A `date` cannot be written as JSON", "isoformat"),
        4,
    ),
    Failure(
        "dates-naive-and-aware",
        """
        from datetime import UTC, datetime

        due = datetime(2026, 11, 25)
        left = due - datetime.now(UTC)
        """,
        ("zone", "datetime.now(UTC)"),
        4,
    ),
    Failure(
        "bytes-and-text",
        """
        b"a,b".split(",")
        """,
        ("Bytes and text", "decode"),
        1,
    ),
)
