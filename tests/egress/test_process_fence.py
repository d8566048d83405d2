"""What a process may do once the fence is up."""

import subprocess
import sys

import pytest
from tests.support.web_server import WebServer

FENCED_PROGRAM = """
import ipaddress, os, socket, subprocess, sys, syslog
from bugsly_server.egress.address_guard import AddressGuard
from bugsly_server.egress.process_fence import ProcessFence
fence = ProcessFence(AddressGuard([ipaddress.ip_network(one) for one in {networks}]))
sys.addaudithook(fence)
try:
    {does}
except PermissionError as error:
    print("refused:", error)
except OSError as error:
    print("tried:", error)
print("allowed" if fence.has_allowed else "not allowed")
"""
LOOPBACK = ("127.0.0.1/32",)
UDP = "socket.socket(type=socket.SOCK_DGRAM)"


def run_fenced(action: str, *networks: str) -> str:
    """Return what a fenced process prints when it runs *action*."""
    command = [
        sys.executable,
        "-P",
        "-c",
        FENCED_PROGRAM.format(does=action, networks=networks or LOOPBACK),
    ]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.parametrize(
    "does",
    [
        "socket.create_connection(('127.0.0.2', 80), 1)",
        "socket.create_connection(('169.254.169.254', 80), 1)",
        "socket.socket().connect_ex(('10.0.0.1', 80))",
        "socket.socket().connect(('localhost', 80))",
        "socket.socket(socket.AF_INET6).connect(('::1', 80))",
        "socket.socket(socket.AF_UNIX).connect('/run/dbus/system_bus_socket')",
        "socket.socket(socket.AF_UNIX).connect(b'\\0bus')",
        f"{UDP}.sendto(b'x', ('10.0.0.1', 53))",
        f"{UDP}.sendmsg([b'x'], [], 0, ('10.0.0.1', 53))",
        "open('/etc/passwd')",
        "open('relative')",
        "open(socket.__file__ + '/../../../../../etc/passwd')",
        "open(socket.__file__, 'a')",
        "os.open(socket.__file__, os.O_RDWR)",
        "subprocess.run(['true'])",
        "os.system('true')",
        "os.fork()",
        "os.posix_spawn('/bin/true', ['true'], {})",
        "os.execv('/bin/true', ['true'])",
        "syslog.syslog('x')",
    ],
)
def test_what_a_channel_may_not_do_is_refused(does: str) -> None:
    said, allowed = run_fenced(does).splitlines()
    assert said.startswith("refused: ")
    assert allowed == "not allowed"


@pytest.mark.parametrize("does", ["open(socket.__file__).close()", "import xmlrpc.client"])
def test_python_may_read_its_own_files(does: str) -> None:
    assert run_fenced(does) == "not allowed"


def test_an_allowed_address_may_be_connected_to() -> None:
    with WebServer() as server:
        said = run_fenced(f"socket.create_connection(('127.0.0.1', {server.port}), 1).close()")
    assert said == "allowed"


@pytest.mark.parametrize("address", ["'/run/bus'", "b'\\0bus'"])
def test_no_allowed_network_allows_a_socket_that_is_not_of_the_internet(address: str) -> None:
    said = run_fenced(f"socket.socket(socket.AF_UNIX).connect({address})", "0.0.0.0/0", "::/0")
    assert said.splitlines()[1] == "not allowed"
