"""Invalid values, files, loops and recursion."""

from tests.support.failures import Failure

CASES = (
    Failure(
        "number-invalid",
        """
        def page(query):
            asked = query["page"]
            return int(asked) * 20

        page({"page": ""})
        """,
        ("'' is not a number", "`asked`", "left blank", "type=int"),
        3,
    ),
    Failure(
        "unpacking",
        """
        line = "tea;3;EUR"
        name, price = line.split(";")
        """,
        ("`line.split(';')` has too many values", "name, price"),
        2,
    ),
    Failure(
        "date-invalid",
        """
        from datetime import datetime

        due = datetime.strptime("25.11.2026", "%Y-%m-%d")
        """,
        ("'25.11.2026'", "'%Y-%m-%d'"),
        3,
    ),
    Failure(
        "json-invalid",
        """
        import json

        order = json.loads("<html>502 Bad Gateway</html>")
        """,
        ("not valid JSON", "HTML error page", "line 1"),
        3,
    ),
    Failure(
        "json-of-a-dict",
        """
        import json

        order = json.loads(str({"name": "Ada"}))
        """,
        ("Python dict", "`json.dumps(…)`"),
        3,
    ),
    Failure(
        "base64-invalid",
        """
        import base64

        token = base64.b64decode("c2VjcmV0cw")
        """,
        ("base64", "Incorrect padding"),
        3,
    ),
    Failure(
        "enum-invalid",
        """
        from enum import Enum

        class State(Enum):
            OPEN = "open"

        State("opened")
        """,
        ("'opened' is not a valid `State`",),
        6,
    ),
    Failure(
        "enum-invalid",
        """
        from enum import Enum

        class Order:
            class State(Enum):
                OPEN = "open"

        Order.State("opened")
        """,
        ("'opened' is not a valid `Order.State`",),
        7,
    ),
    Failure(
        "closed-file",
        """
        import tempfile

        with tempfile.TemporaryFile() as file:
            file.write(b"tea")
        file.read()
        """,
        ("after it was closed",),
        5,
    ),
    Failure(
        "text-not-decodable",
        """
        name = b"caf\\xe9"
        name.decode("utf-8")
        """,
        ("0xe9", "position 3", "utf-8", "Latin-1", "`é`"),
        2,
    ),
    Failure(
        "text-not-encodable",
        """
        "12 €".encode("ascii")
        """,
        ("ascii", "PYTHONUTF8=1"),
        1,
    ),
    Failure(
        "division-by-zero",
        """
        def mean(prices):
            number = len(prices)
            return sum(prices) / number

        mean([])
        """,
        ("`number` is 0", "shop/views.py:3"),
        3,
    ),
    Failure(
        "decimal-invalid",
        """
        from decimal import Decimal

        Decimal("12,50")
        """,
        ("not a decimal number", "12,50"),
        3,
    ),
    Failure(
        "endless-recursion",
        """
        def depth(folder):
            return 1 + depth(folder["parent"])

        root = {}
        root["parent"] = root
        depth(root)
        """,
        ("`depth` calls itself endlessly",),
        2,
    ),
    Failure(
        "changed-while-iterating",
        """
        stock = {"tea": 0, "milk": 1}
        for name in stock:
            if not stock[name]:
                del stock[name]
        """,
        ("`stock` is changed while it is looped over", "list(stock)"),
        2,
        diff=("+for name in list(stock):",),
    ),
    Failure(
        "loop-already-running",
        """
        import asyncio

        async def load():
            return 1

        async def outer():
            loading = load()
            try:
                return asyncio.run(loading)
            finally:
                loading.close()

        asyncio.run(outer())
        """,
        ("inside a running one", "`await`"),
        9,
    ),
    Failure(
        "no-event-loop",
        """
        import asyncio

        asyncio.get_running_loop()
        """,
        ("without its event loop",),
        3,
    ),
    Failure(
        "generator-raised-stop",
        """
        def pairs(values):
            values = iter(values)
            while True:
                yield next(values), next(values)

        list(pairs([1, 2, 3]))
        """,
        ("`next(…)` inside a generator",),
        4,
    ),
    Failure(
        "assertion",
        """
        def pay(amount):
            assert amount > 0, "amount must be positive"

        pay(-1)
        """,
        ("amount must be positive", "shop/views.py:2", "pay"),
        2,
    ),
    Failure(
        "not-implemented",
        """
        class Payment:
            def charge(self):
                raise NotImplementedError

        Payment().charge()
        """,
        ("charge is not implemented",),
        3,
    ),
    Failure(
        "file-missing",
        """
        text = open("prices/today.csv").read()
        """,
        ("`prices/today.csv`", "relative", "app.root_path"),
        1,
    ),
    Failure(
        "program-missing",
        """
        import subprocess

        subprocess.run(["no-such-converter", "bill.html", "bill.pdf"], check=True)
        """,
        ("`no-such-converter` is not installed", "`PATH`"),
        3,
    ),
    Failure(
        "file-is-a-folder",
        """
        open("/tmp")
        """,
        ("`/tmp` is a folder",),
        1,
    ),
    Failure(
        "file-exists",
        """
        import os

        os.mkdir("/tmp")
        """,
        ("`/tmp` already exists", "exist_ok"),
        3,
    ),
    Failure(
        "memory-exhausted",
        """
        def export():
            return bytearray(1 << 62)

        export()
        """,
        ("Memory ran out in export", "in pieces"),
        2,
    ),
    Failure(
        "client-hung-up",
        """
        import os

        reading, writing = os.pipe()
        os.close(reading)
        try:
            os.write(writing, b"tea")
        finally:
            os.close(writing)
        """,
        ("hung up",),
        6,
    ),
)
