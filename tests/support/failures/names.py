"""Names, attributes, keys and modules that do not exist."""

from tests.support.failures import Failure

CASES = (
    Failure(
        "attribute-misspelt",
        """
        basket = []
        basket.appendd("tea")
        """,
        ("`.appendd`", "`append`", "list"),
        2,
        diff=('+basket.append("tea")',),
    ),
    Failure(
        "attribute-misspelt",
        """
        from dataclasses import dataclass

        @dataclass
        class User:
            name: str
            email: str

        user = User("Ada", "ada@example.com")
        address = user.emial
        """,
        ("`.emial`", "`email`", "`User`"),
        9,
        diff=("+address = user.email",),
    ),
    Failure(
        "attribute-of-a-dict",
        """
        order = {"id": 7, "total": 12}
        total = order.total
        """,
        ("`order` is a dict", '`order["total"]`'),
        2,
        diff=('+total = order["total"]',),
    ),
    Failure(
        "attribute-of-a-coroutine",
        """
        async def load():
            return {}

        loading = load()
        try:
            loading.keys()
        finally:
            loading.close()
        """,
        ("`await` is missing", "`.keys`"),
        6,
    ),
    Failure(
        "attribute-of-a-module",
        """
        import datetime

        now = datetime.now()
        """,
        ("`datetime` has no `now`", "class inside the module"),
        3,
    ),
    Failure(
        "attribute-converted-twice",
        """
        token = "e3b0c442"
        token.decode()
        """,
        ("`token` is text already", "Remove `.decode(…)`"),
        2,
        diff=("+token",),
    ),
    Failure(
        "key-of-a-format",
        """
        greeting = "Hello {name}, your order {number} is ready"
        text = greeting.format(number=7)
        """,
        ("`{name}`", "given `number`"),
        2,
    ),
    Failure(
        "key-misspelt",
        """
        user = {"name": "Ada", "email": "ada@example.com"}
        to = user["e-mail"]
        """,
        ("`user`", "`e-mail`", "`email`"),
        2,
        diff=('+to = user["email"]',),
    ),
    Failure(
        "key-missing",
        """
        stock = {"tea": 3, "milk": 1}
        wanted = "sugar"
        left = stock[wanted]
        """,
        ("`stock` has no key 'sugar'", "`tea`, `milk`", "stock.get('sugar')"),
        3,
    ),
    Failure(
        "key-of-a-known-place",
        """
        import os

        key = os.environ["SHOP_PAYMENT_KEY"]
        """,
        ("`SHOP_PAYMENT_KEY` is missing in the environment", "compose file", "os.environ.get"),
        3,
    ),
    Failure(
        "name-misspelt",
        """
        def total(prices):
            return sum(price)

        total([1, 2])
        """,
        ("`price` does not exist", "`prices` does"),
        2,
        diff=("+    return sum(prices)",),
    ),
    Failure(
        "name-not-imported",
        """
        def dump(order):
            return json.dumps(order)

        dump({})
        """,
        ("`json` is not imported", "`import json`"),
        2,
    ),
    Failure(
        "name-unbound",
        """
        visits = 0

        def count():
            visits += 1

        count()
        """,
        ("`visits` has no value yet", "global visits"),
        4,
    ),
    Failure(
        "name-unbound",
        """
        def label(stock):
            if stock > 0:
                text = "in stock"
            return text

        label(0)
        """,
        ("`text` has no value yet", "another path", "Give `text` a value"),
        4,
    ),
    Failure(
        "import-missing",
        """
        import yaml_that_nobody_has
        """,
        ("`yaml_that_nobody_has`", "requirements"),
        1,
    ),
    Failure(
        "import-name",
        """
        from json import load_all
        """,
        ("`json` has no `load_all`",),
        1,
    ),
)
