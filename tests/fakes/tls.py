"""A certificate of one's own for 127.0.0.1, made by openssl for one test."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl on the PATH")


def make_certificate(
    folder: Path, days: int = 2, names: str = "IP:127.0.0.1,DNS:localhost"
) -> tuple[Path, ssl.SSLContext]:
    """The certificate, to be trusted by the client, and the context of a server that has it."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    whose = ["-subj", "/CN=127.0.0.1", "-addext", f"subjectAltName={names}"]
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", str(days)]
    command = ["openssl", "req", "-x509", *kind, *whose, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return certificate, context
