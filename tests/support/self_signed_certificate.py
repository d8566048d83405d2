"""A certificate that no authority has signed."""

import shutil
import ssl
import subprocess
from pathlib import Path

from tests.support.prerequisites import skip_unless_ci


def self_signed_context(folder: Path) -> ssl.SSLContext:
    """Return the context of a server whose certificate is its own authority's."""
    openssl = shutil.which("openssl")
    if openssl is None:
        skip_unless_ci("openssl is not installed → apt-get install openssl")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=bugsly.test", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command, *names, *files], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
