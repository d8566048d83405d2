"""Sessions, the longest unused of which goes when there are too many."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from typing import Any

from flask import Flask

app = Flask(__name__)
MAX_SESSIONS = 800
sessions: OrderedDict[str, dict[str, Any]] = OrderedDict()


@app.get("/enter/<user>")
def enter(user: str) -> dict[str, str]:
    token = secrets.token_hex(16)
    sessions[token] = {"user": user, "cart": [f"product {one}" for one in range(40)]}
    while len(sessions) > MAX_SESSIONS:
        sessions.popitem(last=False)
    return {"token": token}


@app.get("/online")
def online() -> dict[str, int]:
    return {"online": len(sessions)}
