"""Brings in a library when a tool is used for the first time."""

from __future__ import annotations

import importlib

from flask import Flask

app = Flask(__name__)
TOOLS = [
    "decimal",
    "fractions",
    "statistics",
    "xml.etree.ElementTree",
    "xml.dom.minidom",
    "html.parser",
    "csv",
    "sqlite3",
    "email.mime.multipart",
    "mailbox",
    "zipfile",
    "tarfile",
    "plistlib",
    "unittest",
    "pydoc",
    "doctest",
    "ctypes",
    "asyncio",
    "multiprocessing.pool",
    "xmlrpc.client",
    "http.server",
    "imaplib",
    "smtplib",
    "turtledemo",
    "lib2to3.pytree",
]


@app.get("/tools/<int:number>")
def use(number: int) -> dict[str, str]:
    name = TOOLS[number // 60 % len(TOOLS)]
    try:
        return {"tool": importlib.import_module(name).__name__}
    except ImportError:
        return {"tool": ""}
