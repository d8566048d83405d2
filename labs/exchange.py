"""Converts money; remembers every conversion in an extension of the app."""

from __future__ import annotations

from flask import Flask, current_app, request

app = Flask(__name__)
app.extensions["rates"] = {"EUR": 1.0, "USD": 1.08, "JPY": 168.0}
app.extensions["converted"] = {}


@app.get("/convert/<int:cents>")
def convert(cents: int) -> dict[str, str]:
    target = request.args.get("to", "USD")
    known = current_app.extensions["converted"]
    if (cents, target) not in known:
        amount = cents * current_app.extensions["rates"][target]
        known[cents, target] = f"{amount:,.2f} {target} ".ljust(700, ".")
    return {"amount": known[cents, target].strip(" .")}


@app.get("/rates")
def rates() -> dict[str, float]:
    return dict(current_app.extensions["rates"])
