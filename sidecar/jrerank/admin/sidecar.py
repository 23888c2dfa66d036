"""The console script `jrerank-sidecar`: `jrerank-admin serve` under a name that a service file can use."""

from __future__ import annotations

import typer

from jrerank.admin.serve import serve


def main() -> None:
    """Run the sidecar."""
    typer.run(serve)
