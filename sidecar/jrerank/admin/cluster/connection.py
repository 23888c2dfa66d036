"""Where a cluster is, and who asks it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from jrerank.admin.http_address import http_parts
from jrerank.admin.secrets import secret
from jrerank.errors import ConfigurationError, InvalidInput

AwsService = Literal["es", "aoss"]
_DEFAULT_URL = "http://localhost:9200"


@dataclass(frozen=True, slots=True)
class Connection:
    """`prefix` is that of its environment variables: `JRERANK_OPENSEARCH`."""

    prefix: str
    url: str = _DEFAULT_URL
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    api_key: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    aws_region: str | None = None
    aws_service: AwsService = "es"
    timeout_s: float = 60.0


def read_connection(
    prefix: str,
    url: str | None = None,
    user: str | None = None,
    password_file: Path | None = None,
    api_key_file: Path | None = None,
    ca_file: Path | None = None,
    aws_region: str | None = None,
    aws_service: str = "es",
) -> Connection:
    """From the command line, and for what it lacks from `{prefix}_URL`, `_USER`, `_PASSWORD` and `_API_KEY`.

    Raises:
        InvalidInput: the URL, the service or the way to log in makes no sense.
        ConfigurationError: a file cannot be read.
    """
    user = user or os.environ.get(f"{prefix}_USER")
    connection = Connection(
        prefix,
        _checked_url(url or os.environ.get(f"{prefix}_URL") or _DEFAULT_URL),
        user,
        secret(f"{prefix}_PASSWORD", password_file) if user else None,
        secret(f"{prefix}_API_KEY", api_key_file),
        _checked_file(ca_file),
        aws_region,
        "aoss" if aws_service == "aoss" else "es",
    )
    if aws_service not in {"es", "aoss"}:
        raise InvalidInput(f"--aws-service {aws_service}: there are es and aoss", field="aws_service")
    if user and not connection.password:
        raise ConfigurationError(
            f"the password of {user} is missing: set {prefix}_PASSWORD or --password-file"
        )
    if sum(map(bool, (user, connection.api_key, aws_region))) > 1:
        raise InvalidInput("a user, an API key and an AWS region exclude each other: name one", field="user")
    return connection


def _checked_url(url: str) -> str:
    parts = http_parts(url)
    if parts is None:
        raise InvalidInput(f"--url {url}: not an address such as https://search.example:9200", field="url")
    if parts.username or parts.password:
        raise InvalidInput("--url holds a password: name the user with --user instead", field="url")
    return url.rstrip("/")


def _checked_file(file: Path | None) -> Path | None:
    if file is not None and not file.is_file():
        raise ConfigurationError(f"--ca-file {file}: no such file")
    return file
