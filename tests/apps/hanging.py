"""The shop, with an exception whose text takes longer than Gunicorn waits for a worker."""

import time

from shop import app  # type: ignore[import-not-found]

import bugsly


class Undecided(Exception):
    def __str__(self) -> str:
        time.sleep(20)
        return "decided"


def undecided() -> str:
    bugsly.capture_exception(Undecided())
    return "answered"


app.add_url_rule("/undecided", view_func=undecided)
