"""TLS certificates for tests, as an operator would make them."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Certificate:
    """PEM files. Whoever trusts `certificate` trusts it alone: it signs itself."""

    certificate: Path
    key: Path


def make_certificate(folder: Path, name: str = "localhost", passphrase: str = "") -> Certificate:
    """For the host `name`."""
    made = Certificate(folder / f"{name}.pem", folder / f"{name}.key")
    encryption = ["-passout", f"pass:{passphrase}"] if passphrase else ["-nodes"]
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        *encryption,
    ]
    command += ["-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"]
    command += ["-keyout", str(made.key), "-out", str(made.certificate)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return made
