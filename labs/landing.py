"""Landing pages, of which there are more templates than Jinja keeps compiled."""

from __future__ import annotations

from flask import Flask, render_template
from jinja2 import DictLoader

app = Flask(__name__)
BODY = "{% for step in range(5) %}<p>{{ step }} of NAME for {{ name }}</p>{% endfor %}" * 4
PAGES = {f"page-{one}.html": BODY.replace("NAME", str(one)) for one in range(900)}
app.jinja_loader = DictLoader(PAGES)


@app.get("/landing/<int:number>")
def landing(number: int) -> str:
    return render_template(f"page-{number * 7 % 900}.html", name="you")
