"""The sidecar as a cluster's nodes reach it."""

from __future__ import annotations

from pathlib import Path

from jrerank.admin.cluster.curl import SIDECAR_KEY
from jrerank.admin.http_address import http_parts
from jrerank.admin.secrets import secret
from jrerank.errors import InvalidInput


def checked_sidecar_url(url: str | None) -> str:
    """The base URL, without a slash at its end.

    Raises:
        InvalidInput: there is none, or it is no base URL.
    """
    parts = http_parts(url or "")
    if parts is None or parts.query or parts.username:
        message = f"--sidecar-url {url or ''}: name the sidecar's address, such as http://10.0.0.7:8080"
        raise InvalidInput(message, field="sidecar_url")
    return (url or "").rstrip("/")


def sidecar_key(file: Path | None, dry_run: bool) -> str | None:
    """The key that the cluster is to send; in a dry run the name of its variable, so that it cannot be printed."""
    key = secret(SIDECAR_KEY, file)
    return f"${SIDECAR_KEY}" if key and dry_run else key
