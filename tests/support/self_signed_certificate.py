"""A certificate nobody vouches for."""

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest


def self_signed_context(folder: Path) -> ssl.SSLContext:
    """Return the context of a server whose certificate is its own authority's."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl(1)")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=bugsly.test", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command, *names, *files], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
