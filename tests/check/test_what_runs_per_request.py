"""What frameworks call for each request is found, however it is registered, and what it calls."""

from pathlib import Path

import pytest
from tests.support.checked_code import FLASK, places

LOG = "log = []\n"
ENTRY_POINTS = {
    "a route": FLASK
    + LOG
    + "@app.route('/x', methods=['GET', 'POST'])\ndef x():\n    log.append(1)",
    "an application factory": "from flask import Flask\n"
    + LOG
    + "def create_app():\n    app = Flask(__name__)\n"
    "    @app.get('/x')\n    def x():\n        log.append(1)\n    return app",
    "a blueprint": "from flask import Blueprint\nbp = Blueprint('x', __name__)\n"
    + LOG
    + "@bp.post('/x')\ndef x():\n    log.append(1)",
    "a class view": "from flask.views import MethodView\n"
    + LOG
    + "class X(MethodView):\n    def get(self):\n        log.append(1)",
    "a class view with a base of the project": "from flask.views import MethodView\n"
    + LOG
    + "class Base(MethodView): ...\nclass X(Base):\n    def post(self):\n        log.append(1)",
    "a rule that is added": FLASK
    + LOG
    + "def x():\n    log.append(1)\napp.add_url_rule('/x', view_func=x)",
    "a hook": FLASK + LOG + "@app.before_request\ndef x():\n    log.append(1)",
    "a Celery task": "from celery import shared_task\n"
    + LOG
    + "@shared_task\ndef x():\n    log.append(1)",
    "a FastAPI route": "from fastapi import APIRouter\nrouter = APIRouter()\n"
    + LOG
    + "@router.get('/x')\nasync def x():\n    log.append(1)",
    "a method that a class view inherits": "from flask.views import MethodView\n"
    + LOG
    + "class Noting:\n    def note(self):\n        log.append(1)\n"
    "class X(Noting, MethodView):\n    def get(self):\n        self.note()",
    "a method that a class view calls": "from flask.views import MethodView\n"
    + LOG
    + "class X(MethodView):\n    def get(self):\n        self.note()\n"
    "    def note(self):\n        log.append(1)",
}
NOT_CALLED = {
    "module level": FLASK + LOG + "log.append(1)",
    "a function that nothing calls": FLASK + LOG + "def x():\n    log.append(1)",
    "a command": FLASK + LOG + "@app.cli.command('x')\ndef x():\n    log.append(1)",
    "a local list": FLASK + "@app.get('/x')\ndef x():\n    log = []\n    log.append(1)",
    "the first request only": FLASK
    + LOG
    + "@app.get('/x')\ndef x():\n    if not log:\n        log.append(1)",
    "a bounded deque": FLASK
    + "from collections import deque\nlog = deque(maxlen=9)\n@app.get('/x')\ndef x():\n"
    "    log.append(1)",
    "keys with few values": FLASK
    + "log = {}\n@app.get('/x')\ndef x():\n    log[request.method] = 1",
}


@pytest.mark.parametrize("source", ENTRY_POINTS.values(), ids=ENTRY_POINTS)
def test_an_entry_point_is_found(source: str, tmp_path: Path) -> None:
    line = next(n for n, text in enumerate(source.splitlines(), 1) if "log.append" in text)
    assert places(tmp_path, {"shop.py": source}) == [f"BG101 shop.py:{line}"]


@pytest.mark.parametrize("source", NOT_CALLED.values(), ids=NOT_CALLED)
def test_what_does_not_grow_with_requests_is_left_alone(source: str, tmp_path: Path) -> None:
    assert places(tmp_path, {"shop.py": source}) == []
