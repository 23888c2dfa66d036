"""Options that say which cluster is meant and who asks: of the group, so that each of its commands has them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

UrlOption = Annotated[
    str | None, typer.Option("--url", help="of the cluster [default: http://localhost:9200]")
]
UserOption = Annotated[
    str | None, typer.Option("--user", help="for basic auth; the password is never an option")
]
PasswordFileOption = Annotated[Path | None, typer.Option("--password-file", help="its first line")]
ApiKeyFileOption = Annotated[
    Path | None, typer.Option("--api-key-file", help="its first line, base64 as it was given")
]
CaFileOption = Annotated[
    Path | None, typer.Option("--ca-file", help="PEM of the authority that signed the cluster's certificate")
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="print what would be sent, as curl, and change nothing")
]
SIDECAR_URL_HELP = "the sidecar as the nodes reach it, such as http://10.0.0.7:8080"
SIDECAR_KEY_HELP = "its first line; else the variable JRERANK_SIDECAR_API_KEY; else no key is sent"
