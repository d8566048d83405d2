"""Which addresses the server may connect to."""

import ipaddress
import socket
import subprocess
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.fake_resolver import FakeResolver, guard_allowing
from tests.support.python_versions import ROOT, SUPPORTED_VERSIONS, python_interpreter

from bugsly_server.egress import address_guard
from bugsly_server.egress.address_guard import resolve_host
from bugsly_server.egress.special_addresses import IPV4_REGISTRY, IPV6_REGISTRY
from bugsly_server.errors import EgressRefused

SERVER_SOURCES = ROOT / "server/src"
PUBLIC_ADDRESSES = [
    "1.1.1.1",
    "93.184.216.34",
    "2606:4700:4700::1111",
    "64:ff9b::101:101",
    "::ffff:1.1.1.1",
]
GUARDED_ADDRESSES = [
    ("127.0.0.1", "a loopback"),
    ("127.255.255.254", "a loopback"),
    ("::1", "a loopback"),
    ("10.1.2.3", "a private or reserved"),
    ("172.16.0.1", "a private or reserved"),
    ("192.168.1.1", "a private or reserved"),
    ("100.64.0.1", "a private or reserved"),
    ("100.100.100.200", "a private or reserved"),
    ("169.254.169.254", "a link-local"),
    ("fe80::1", "a link-local"),
    ("fe80::1%eth0", "a link-local"),
    ("224.0.0.1", "a multicast"),
    ("ff02::1", "a multicast"),
    ("0.0.0.0", "an unspecified"),
    ("::", "an unspecified"),
    ("192.0.2.1", "a private or reserved"),
    ("198.18.0.1", "a private or reserved"),
    ("240.0.0.1", "a private or reserved"),
    ("255.255.255.255", "a private or reserved"),
    ("fd00:ec2::254", "a private or reserved"),
    ("fec0::1", "a private or reserved"),
    ("2001:db8::1", "a private or reserved"),
    ("2001:0:7f00:1::", "a private or reserved"),
    ("2001:0:101:101:0:0:fefe:fefe", "a private or reserved"),
    ("2001:0:101:101:0:0:80ff:fffe", "a private or reserved"),
    ("192.0.0.1", "a private or reserved"),
    ("192.0.0.192", "a private or reserved"),
    ("192.0.0.9", "a private or reserved"),
    ("192.88.99.1", "a private or reserved"),
    ("::ffff:192.0.0.192", "a private or reserved"),
    ("64:ff9b::c000:c0", "a private or reserved"),
    ("2002:c000:c0::1", "a private or reserved"),
    ("3fff::1", "a private or reserved"),
    ("2620:4f:8000::6", "a private or reserved"),
    ("5f00::1", "a private or reserved"),
    ("::127.0.0.1", "a private or reserved"),
    ("::ffff:127.0.0.1", "a loopback"),
    ("::ffff:169.254.169.254", "a link-local"),
    ("64:ff9b::7f00:1", "a loopback"),
    ("64:ff9b::a9fe:a9fe", "a link-local"),
    ("64:ff9b:1::7f00:1", "a private or reserved"),
    ("2002:7f00:1::", "a loopback"),
    ("2002:a9fe:a9fe::1", "a link-local"),
]


@pytest.mark.parametrize("block", [*IPV4_REGISTRY, *IPV6_REGISTRY])
def test_every_block_of_the_registries_is_refused(block: str) -> None:
    network = ipaddress.ip_network(block)
    embeds_ipv4 = block in {"::ffff:0:0/96", "64:ff9b::/96", "2002::/16"}
    assert embeds_ipv4 or not any(map(_is_allowed, (str(network[0]), str(network[-1]))))


@pytest.mark.parametrize("version", SUPPORTED_VERSIONS)
def test_every_python_refuses_the_same_addresses(version: str) -> None:
    refused = [address for address, _ in GUARDED_ADDRESSES]
    script = (
        "import sys\n"
        "from bugsly_server.egress.address_guard import AddressGuard\n"
        "judge = AddressGuard(())._refused_kind\n"
        "print([one for one in sys.argv[1:] if judge(one) is None])\n"
    )
    command = [python_interpreter(version), "-c", script, *refused, *PUBLIC_ADDRESSES]
    environ = {"PYTHONPATH": str(SERVER_SOURCES)}
    shown = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == str(PUBLIC_ADDRESSES)


@pytest.mark.parametrize("address", PUBLIC_ADDRESSES)
def test_public_addresses_are_allowed(address: str) -> None:
    assert guard_allowing(resolver=FakeResolver([address])).allowed_addresses(
        "example.com", 443
    ) == [address]


@pytest.mark.parametrize(("address", "kind"), GUARDED_ADDRESSES)
def test_an_address_that_only_the_server_can_reach_is_refused_with_its_kind(
    address: str, kind: str
) -> None:
    with pytest.raises(
        EgressRefused, match=f": alerts are not sent to {kind} address → "
    ) as caught:
        guard_allowing(resolver=FakeResolver([address])).allowed_addresses("example.com", 443)
    assert caught.value.permanent


def test_a_refusal_says_what_to_set() -> None:
    with pytest.raises(EgressRefused) as caught:
        guard_allowing(resolver=FakeResolver(["10.1.2.3"])).allowed_addresses(
            "hooks.example.com", 443
        )
    assert str(caught.value) == (
        "hooks.example.com (10.1.2.3): alerts are not sent to a private or reserved address"
        " → to allow it, start the server with BUGSLY_ALLOW_NETWORKS=10.1.2.3/32"
    )


@pytest.mark.parametrize(
    ("network", "address"),
    [
        ("10.0.0.0/8", "10.1.2.3"),
        ("127.0.0.1/32", "127.0.0.1"),
        ("127.0.0.1/32", "::ffff:127.0.0.1"),
        ("169.254.0.0/16", "64:ff9b::a9fe:1"),
        ("fd00::/8", "fd00::17"),
    ],
)
def test_addresses_of_allowed_networks_are_allowed(network: str, address: str) -> None:
    guard_allowing(network).check_address("example.com", address)


@pytest.mark.parametrize(
    ("network", "address"), [("10.0.0.0/8", "192.168.1.1"), ("fd00::/8", "fe80::1")]
)
def test_an_allowed_network_allows_nothing_else(network: str, address: str) -> None:
    with pytest.raises(EgressRefused):
        guard_allowing(network).check_address("example.com", address)


def test_only_the_allowed_ones_of_several_addresses_are_returned() -> None:
    answer = ["10.0.0.1", "1.1.1.1", "fe80::1", "2606:4700:4700::1111"]
    allowed = guard_allowing(resolver=FakeResolver(answer)).allowed_addresses("example.com", 443)
    assert allowed == ["1.1.1.1", "2606:4700:4700::1111"]


def test_a_host_without_address_may_have_one_later() -> None:
    with pytest.raises(EgressRefused, match=r"^nowhere\.invalid: it has no address") as caught:
        guard_allowing(resolver=FakeResolver([])).allowed_addresses("nowhere.invalid", 443)
    assert not caught.value.permanent


@pytest.mark.parametrize("host", ["127.1", "0x7f.0.0.1", "2130706433", "0177.0.0.1", "localhost"])
def test_other_spellings_of_this_machine_are_refused(host: str) -> None:
    with pytest.raises(EgressRefused, match="loopback"):
        guard_allowing().allowed_addresses(host, 80)


@pytest.mark.parametrize("host", ["a..b", "x" * 300, "nowhere.invalid", "bad host"])
def test_an_invalid_host_has_no_address(host: str) -> None:
    assert resolve_host(host, 80) == []


def test_a_silent_name_server_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()

    def silent(*_: object, **__: object) -> list[object]:
        answered.wait()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    monkeypatch.setattr(address_guard, "RESOLVE_SECONDS", 0.01)
    assert resolve_host("example.com", 80) == []
    answered.set()


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_inside_an_ipv6_address_is_judged_like_itself(
    address: ipaddress.IPv4Address,
) -> None:
    number = int(address)
    embedded = [
        ipaddress.IPv6Address((0xFFFF << 32) | number),
        ipaddress.IPv6Address((0x64FF9B << 96) | number),
        ipaddress.IPv6Address((0x2002 << 112) | (number << 80)),
    ]
    judged = {_is_allowed(str(one)) for one in (address, *embedded)}
    assert len(judged) == 1


def _is_allowed(address: str) -> bool:
    try:
        guard_allowing().check_address("example.com", address)
    except EgressRefused:
        return False
    return True
