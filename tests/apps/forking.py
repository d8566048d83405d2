"""A Flask application that makes processes while it answers."""

import atexit
import multiprocessing
import os
import subprocess
import sys
import time

from flask import Flask

app = Flask(__name__)


@app.get("/")
def index() -> str:
    return str(os.getpid())


@app.get("/fork")
def fork() -> str:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    return outcome(pid)


@app.get("/fork-with-goodbye")
def fork_with_goodbye() -> str:
    pid = os.fork()
    if pid == 0:
        atexit._run_exitfuncs()
        os._exit(0)
    return outcome(pid)


@app.get("/multiprocessing")
def multiprocess() -> str:
    child = multiprocessing.get_context("fork").Process(target=print, args=("hello",))
    child.start()
    child.join(20)
    return str(child.exitcode)


@app.get("/subprocess")
def run() -> str:
    code = "import threading; print(threading.active_count())"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return str(int(ran.stdout) - 1)


def outcome(pid: int) -> str:
    """Return the exit code of *pid*; a blocking wait may hang for ever in gevent's hands."""
    reaped, status = os.waitpid(pid, os.WNOHANG)
    while not reaped:
        time.sleep(0.01)
        reaped, status = os.waitpid(pid, os.WNOHANG)
    return str(os.waitstatus_to_exitcode(status))
