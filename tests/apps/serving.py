"""Serves the shop with the server named on the command line, and with `--init` has it watched."""

import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

if "pywsgi" in sys.argv:
    from gevent import monkey

    monkey.patch_all()

from shop import app  # type: ignore[import-not-found]

import bugsly


def flask() -> None:
    app.run(port=0)


def waitress() -> None:
    from waitress import create_server

    server: Any = create_server(app, listen="127.0.0.1:0")
    announce(server.effective_port)
    server.run()


def wsgiref() -> None:
    from wsgiref.simple_server import make_server
    from wsgiref.validate import validator

    server = make_server("127.0.0.1", 0, validator(app))
    announce(server.server_port)
    server.serve_forever()


def pywsgi() -> None:
    import gevent
    from gevent.pywsgi import WSGIServer

    server = WSGIServer(("127.0.0.1", 0), app)
    gevent.signal_handler(signal.SIGINT, server.stop)
    gevent.signal_handler(signal.SIGTERM, server.stop)
    server.start()
    announce(server.server_port)
    server.serve_forever()


def announce(port: int | None) -> None:
    sys.stdout.write(f"Serving on http://127.0.0.1:{port}\n")


SERVERS: dict[str, Callable[[], None]] = {
    "flask": flask,
    "waitress": waitress,
    "wsgiref": wsgiref,
    "pywsgi": pywsgi,
}

if __name__ == "__main__":
    if "--init" in sys.argv:
        bugsly.init(app)
    with suppress(KeyboardInterrupt):
        SERVERS[sys.argv[1]]()
