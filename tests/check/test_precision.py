"""What looks like a leak and is none is left alone; what differs from it in one word is found."""

from pathlib import Path

import pytest
from tests.support.checked_code import FLASK, check_in

VIEW = '@app.get("/x/<key>")\ndef x(key):\n'
THREADS = FLASK + "import os, threading\n"
BOTO = FLASK + "import boto3\n"
GC = "import gc\n"

LEFT_ALONE = {
    "a handler behind an early exit": FLASK
    + "import logging\ndone = False\n\ndef install():\n    global done\n    if done:\n"
    "        return\n"
    "    logging.getLogger('a').addHandler(logging.NullHandler())\n    done = True\n\n"
    + VIEW
    + "    install()\n    return ''",
    "a handler behind a flag on an object": FLASK
    + "import logging\n\ndef install():\n    log = logging.getLogger('a')\n"
    "    if getattr(log, '_is_set', False):\n        return\n"
    "    log.addHandler(logging.NullHandler())\n    log._is_set = True\n\n"
    + VIEW
    + "    install()\n    return ''",
    "a call that happens once": BOTO
    + "clients = {}\n\ndef make():\n    clients['s3'] = boto3.client('s3')\n\n"
    + VIEW
    + "    if not clients:\n        make()\n    return ''",
    "a client whose caller keeps it": BOTO
    + "kept = {}\n\ndef make(name):\n    return boto3.client(name)\n\ndef client(name):\n"
    "    if name not in kept:\n        kept[name] = make(name)\n    return kept[name]\n\n"
    + VIEW
    + "    client('s3')\n    return ''",
    "a client made where something failed": BOTO
    + VIEW
    + "    try:\n        return app.config['s3']\n    except KeyError:\n"
    "        c = boto3.client('s3')\n"
    "        return c.list()",
    "a thread where one is asked for": THREADS
    + "running = []\n"
    + VIEW
    + "    if any(one.is_alive() for one in running):\n        return ''\n"
    "    threading.Thread(target=print).start()\n    return ''",
    "a thread behind a state": THREADS
    + VIEW
    + "    if app.state['status'] == 'idle':\n        threading.Thread(target=print).start()\n"
    "    return ''",
    "a thread that is told to end": THREADS
    + VIEW
    + "    stop = threading.Event()\n    threading.Thread(target=stop.wait).start()\n    try:\n"
    "        return ''\n    finally:\n        stop.set()",
    "a named tuple": FLASK
    + "from collections import namedtuple\n"
    + VIEW
    + "    Row = namedtuple('Row', 'a b')\n    return str(Row(1, 2))",
    "a plain class": FLASK + VIEW + "    return str(type('Field', (object,), {})())",
    "a model kept by name": FLASK
    + "from pydantic import create_model\nmodels = {}\n"
    + VIEW
    + "    models[0] = create_model('A', a=(int, ...))\n    return ''",
    "a remainder": FLASK
    + "SIZE = 9\nseen = {}\n"
    + VIEW
    + "    key %= SIZE\n    seen[key] = 1\n    return ''",
    "a key of a table": FLASK
    + "NAMES = {'a': 'A'}\nseen = {}\n"
    + VIEW
    + "    key = NAMES[key]\n    seen[key] = 1\n    return ''",
    "a key that is checked": FLASK
    + "NAMES = ('a', 'b')\nseen = {}\n"
    + VIEW
    + "    if key not in NAMES:\n        return ''\n    seen[key] = 1\n    return ''",
    "a key that came a long way": FLASK
    + "seen = {}\n\ndef third(name):\n    seen[name] = 1\n\ndef second(name):\n    third(name)\n\n"
    + VIEW
    + "    second(key)\n    return ''",
    "a small text of the app": FLASK
    + "import os\nPATH = os.environ['META']\n"
    + VIEW
    + "    with open(PATH) as file:\n        text = file.read()\n    return text",
    "a cache of the only instance": FLASK
    + "from functools import cache\n\nclass Settings:\n    @cache\n    def value(self):\n"
    "        return 1\n\nsettings = Settings()\n" + VIEW + "    return str(settings.value())",
    "a collector that comes back": GC + "gc.disable()\ngc.enable()",
    "a closure made per request": FLASK
    + VIEW
    + "    rows = []\n\n    def add(row):\n        rows.append(row)\n\n    add(key)\n    return ''",
    "a program that is waited for": FLASK
    + "import subprocess\n"
    + VIEW
    + "    done = subprocess.Popen(['ls'])\n    done.wait()\n    return ''",
}
FOUND = {
    "BG403": FLASK
    + "import logging\n"
    + VIEW
    + "    logging.getLogger('a').addHandler(logging.NullHandler())\n    return ''",
    "BG401": BOTO + VIEW + "    c = boto3.client('s3')\n    return c.list()",
    "BG402": THREADS + VIEW + "    path = os.path.join('/srv', key)\n"
    "    threading.Thread(target=print, args=(path,)).start()\n"
    "    return ''",
    "BG405": FLASK
    + "import attr\n"
    + VIEW
    + "    Row = attr.make_class('Row', ['a'])\n    return str(Row(1))",
    "BG102": FLASK
    + "from functools import cache\n\nclass Order:\n    @cache\n    def total(self):\n"
    "        return 1\n\n" + VIEW + "    return str(Order().total())",
    "BG501": GC + "def start():\n    gc.collect()\n    gc.freeze()\n    gc.set_threshold(0)\n",
    "BG203": FLASK
    + "import os\n"
    + VIEW
    + "    sheet = os.memfd_create(key)\n    os.write(sheet, b'')\n    return ''",
    "BG406": FLASK
    + "import subprocess\n"
    + VIEW
    + "    subprocess.Popen(['lp', key])\n    return ''",
}
GROWING = {
    "a list in a closure": FLASK
    + "\ndef create():\n    threads = []\n\n    @app.get('/x')\n    def x():\n"
    "        threads.append(1)\n        return ''\n    return x",
    "a function that a function made": FLASK
    + "\ndef make():\n    seen = []\n\n    def add(row):\n        seen.append(row)\n"
    "    return add\n\n"
    "add = make()\n" + VIEW + "    add(key)\n    return ''",
    "a default value": FLASK
    + "\ndef add(row, rows=[]):\n    rows.append(row)\n    return rows\n\n"
    + VIEW
    + "    return str(add(key))",
    "a list of the only instance": FLASK
    + "\nclass Ledger:\n    def __init__(self):\n        self.lines = []\n\n"
    "    def book(self, row):\n"
    "        self.lines.append(row)\n\nledger = Ledger()\n"
    + VIEW
    + "    ledger.book(key)\n    return ''",
}


@pytest.mark.parametrize("source", LEFT_ALONE.values(), ids=LEFT_ALONE)
def test_what_is_no_leak_is_left_alone(source: str, tmp_path: Path) -> None:
    assert [one.message for one in check_in(tmp_path, {"shop.py": source}).findings] == []


@pytest.mark.parametrize(("code", "source"), FOUND.items(), ids=FOUND)
def test_what_leaks_is_found(code: str, source: str, tmp_path: Path) -> None:
    assert {one.code for one in check_in(tmp_path, {"shop.py": source}).findings} == {code}


@pytest.mark.parametrize("source", GROWING.values(), ids=GROWING)
def test_a_container_without_a_global_name_is_found(source: str, tmp_path: Path) -> None:
    (finding,) = check_in(tmp_path, {"shop.py": source}).findings
    assert finding.code == "BG101"
    assert finding.rewrite is None


def test_a_closure_that_is_emptied_is_left_alone(tmp_path: Path) -> None:
    source = GROWING["a list in a closure"].replace(
        "threads.append(1)", "threads.append(1)\n        threads.clear()"
    )
    assert check_in(tmp_path, {"shop.py": source}).findings == ()
