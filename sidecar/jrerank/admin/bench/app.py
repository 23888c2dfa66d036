"""`bench`: its commands put together."""

from __future__ import annotations

import typer

from jrerank.admin.bench.labels import labels
from jrerank.admin.bench.load import load
from jrerank.admin.bench.quality import quality
from jrerank.admin.bench.speed import speed

app = typer.Typer(
    help="Is it better, is it fast, does it hold: measured on your data and machine.", no_args_is_help=True
)
app.command()(quality)
app.command()(load)
app.command()(speed)
app.command()(labels)
