"""A request as a line of shell that sends it. Secrets and ids stand in it as variables, never as values."""

from __future__ import annotations

import re
import shlex
from urllib.parse import quote, urlencode

from jrerank.admin.cluster.connection import Connection
from jrerank.admin.cluster.request import Request

SIDECAR_KEY = "JRERANK_SIDECAR_API_KEY"
_VARIABLE = re.compile(rf"\$({SIDECAR_KEY}|CONNECTOR_ID|MODEL_ID)")


def curl(request: Request, connection: Connection) -> str:
    """The line; what the answer is remembered for is assigned to a variable of its name in capitals."""
    words = ["curl", "-sS", "--fail-with-body", "-X", request.method, *_who(connection)]
    payload = request.payload()
    if payload is not None:
        words += [
            "-H",
            shlex.quote(f"content-type: {request.content_type}"),
            "--data-binary",
            quoted(payload),
        ]
    line = " ".join([*words, quoted(connection.url + _path(request))])
    if request.remember:
        pattern = rf's/.*"{request.remember}" *: *"\([^"]*\)".*/\1/p'
        return f"{request.remember.upper()}=$({line} | sed -n {shlex.quote(pattern)})"
    return line


def quoted(text: str) -> str:
    """One word of shell, in which the variables that a dry run knows are still variables."""
    pieces, end = [], 0
    for match in _VARIABLE.finditer(text):
        pieces += [shlex.quote(text[end : match.start()]) if match.start() > end else "", f'"{match[0]}"']
        end = match.end()
    if end < len(text) or not pieces:
        pieces.append(shlex.quote(text[end:]))
    return "".join(pieces)


def _path(request: Request) -> str:
    path = quote(request.path, safe="/_*,.$-")
    return f"{path}?{urlencode(request.parameters)}" if request.parameters else path


def _who(connection: Connection) -> list[str]:
    words = ["--cacert", shlex.quote(str(connection.ca_file))] if connection.ca_file else []
    if connection.aws_region:
        scheme = f"aws:amz:{connection.aws_region}:{connection.aws_service}"
        words += ["--aws-sigv4", shlex.quote(scheme), "--user", '"$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY"']
        words += ["-H", '"x-amz-security-token: $AWS_SESSION_TOKEN"']
    elif connection.api_key:
        words += ["-H", f'"authorization: ApiKey ${connection.prefix}_API_KEY"']
    elif connection.user:
        words += ["--user", f'{shlex.quote(connection.user)}":${connection.prefix}_PASSWORD"']
    return words
