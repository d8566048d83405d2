"""Flask, templates and input that a schema rejects."""

from tests.support.failures import Failure

FLASK = """
from flask import Flask, request, session, url_for, render_template, render_template_string
app = Flask("shop")
app.testing = True
app.config["TRAP_HTTP_EXCEPTIONS"] = True
"""
CASES = (
    Failure(
        "field-not-sent",
        """
        @app.post("/login")
        def login():
            return request.form["email"]

        app.test_client().post("/login", data={"mail": "ada@example.com"})
        """,
        ("`email`", "request.form", "shop/views.py:3"),
        3,
        FLASK,
    ),
    Failure(
        "key-of-a-known-place",
        """
        def pay():
            return app.config["STRIPE_KEY"]

        pay()
        """,
        ("`STRIPE_KEY` is missing in the app's configuration",),
        2,
        FLASK,
    ),
    Failure(
        "url-not-built",
        """
        @app.get("/orders")
        def orders():
            return ""

        with app.test_request_context():
            url_for("order")
        """,
        ("cannot build `order`", "Write `orders`"),
        6,
        FLASK,
        diff=('+    url_for("orders")',),
    ),
    Failure(
        "outside-request-context",
        """
        def address():
            return request.remote_addr

        address()
        """,
        ("outside a request", "arguments to address"),
        2,
        FLASK,
    ),
    Failure(
        "outside-app-context",
        """
        from flask import current_app

        def job():
            return current_app.config["DEBUG"]

        job()
        """,
        ("app context", "shop/views.py:4"),
        4,
        FLASK,
    ),
    Failure(
        "view-returned-none",
        """
        @app.get("/pay")
        def pay():
            "Nothing is returned."

        app.test_client().get("/pay")
        """,
        ("The view `pay` returns nothing",),
        5,
        FLASK,
    ),
    Failure(
        "secret-key-missing",
        """
        @app.get("/")
        def index():
            session["seen"] = 1

        app.test_client().get("/")
        """,
        ("`SECRET_KEY`",),
        3,
        FLASK,
    ),
    Failure(
        "endpoint-twice",
        """
        @app.get("/a")
        def page():
            return ""

        @app.get("/b")
        def page():
            return ""
        """,
        ("Two views have the endpoint `page`", "wraps"),
        5,
        FLASK,
    ),
    Failure(
        "body-too-large",
        """
        app.config["MAX_CONTENT_LENGTH"] = 10
        @app.post("/upload")
        def upload():
            return str(len(request.get_data()))

        app.test_client().post("/upload", data=b"x" * 11)
        """,
        ("larger than the app accepts", "MAX_CONTENT_LENGTH"),
        4,
        FLASK,
    ),
    Failure(
        "body-not-json",
        """
        @app.post("/orders")
        def order():
            return request.json["id"]

        app.test_client().post("/orders", data="{}")
        """,
        ("`request.json`", "application/json"),
        3,
        FLASK,
    ),
    Failure(
        "not-found-by-hand",
        """
        from flask import abort

        def show(number):
            abort(404)

        show(7)
        """,
        ("show answers with a 404",),
        4,
        FLASK,
    ),
    Failure(
        "template-name-undefined",
        """
        app.jinja_env.undefined = __import__("jinja2").StrictUndefined

        with app.app_context():
            render_template_string("Hello {{ usr }}", user="Ada")
        """,
        ("`usr`", "`user` is there"),
        4,
        FLASK,
    ),
    Failure(
        "template-missing",
        """
        with app.app_context():
            render_template("order.html")
        """,
        ("no template `order.html`", "templates/order.html"),
        2,
        FLASK,
    ),
    Failure(
        "template-syntax",
        """
        with app.app_context():
            render_template_string("{% if paid %} thanks")
        """,
        ("cannot be parsed", "end of template"),
        2,
        FLASK,
    ),
    Failure(
        "pydantic",
        """
        from pydantic import BaseModel

        class Order(BaseModel):
            email: str
            number: int

        Order(emial="ada@example.com", number="many")
        """,
        ("`Order`", "`email`: Field required", "`number`", "2 errors", "`emial` was sent"),
        7,
    ),
    Failure(
        "marshmallow",
        """
        from marshmallow import Schema, fields

        class Order(Schema):
            email = fields.Email(required=True)

        Order().load({"emial": "ada@example.com"})
        """,
        ("`email`: Missing data", "`emial`: Unknown field", "`emial` was sent"),
        6,
    ),
)
