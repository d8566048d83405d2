"""None where another value was expected."""

from tests.support.failures import Failure

CASES = (
    Failure(
        "none-attribute",
        """
        def find(number):
            return {1: "Ada"}.get(number)

        def greet(number):
            user = find(number)
            return user.title() + "!"

        greet(7)
        """,
        ("`user` is None", "`.title`", "set at line 5, to `find(number)`", "shop/views.py:6"),
        6,
    ),
    Failure(
        "none-attribute",
        """
        import re

        def number_of(path):
            return re.match(r"/orders/([0-9]+)", path).group(1)

        number_of("/users/7")
        """,
        ("returned None", "re.match", "does not match the pattern", "`.group`"),
        4,
    ),
    Failure(
        "none-index",
        """
        def first(rows=None):
            return rows[0]

        first()
        """,
        ("`rows` is None", "indexed", "argument", "call at shop/views.py:4"),
        2,
    ),
    Failure(
        "none-iteration",
        """
        def total(prices):
            whole = 0
            prices = prices.sort()
            for price in prices:
                whole += price
            return whole

        total([3, 1])
        """,
        ("`prices` is None", "line 3, to `prices.sort()`", "change an object in place", "sorted"),
        4,
        diff=("+    for price in prices or ():",),
    ),
    Failure(
        "none-call",
        """
        hooks = {"paid": None}

        def fire(name):
            hook = hooks[name]
            return hook()

        fire("paid")
        """,
        ("`hook` is None", "it is called", "`hooks[name]`"),
        5,
    ),
    Failure(
        "none-length",
        """
        def pages(items, size):
            return -(-len(items) // size)

        pages(None, 20)
        """,
        ("`items` is None", "length"),
        2,
    ),
    Failure(
        "none-operand",
        """
        def gross(net, rate):
            return net * (1 + rate)

        gross(100, None)
        """,
        ("`rate` is None", "combined"),
        2,
    ),
    Failure(
        "none-number",
        """
        query = {}
        page = query.get("page")
        offset = int(page) * 20
        """,
        ("`page` is None", "line 2", "key is missing", "default"),
        3,
    ),
)
