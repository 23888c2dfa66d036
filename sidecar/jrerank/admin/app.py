"""`jrerank-admin`: one module per command group, and this one that puts them together."""

from __future__ import annotations

import sys

from jrerank import __version__
from jrerank.admin import models
from jrerank.admin.bench.app import app as bench
from jrerank.admin.bulk.command import bulk
from jrerank.admin.demo.command import demo
from jrerank.admin.doctor import doctor
from jrerank.admin.elasticsearch import commands as elasticsearch
from jrerank.admin.opensearch import commands as opensearch
from jrerank.admin.postgres import commands as postgres
from jrerank.admin.rerank import rerank
from jrerank.admin.root import root
from jrerank.admin.serve import serve
from jrerank.admin.texts import replace_what_cannot_be_shown
from jrerank.admin.training.average_command import average
from jrerank.admin.training.command import train
from jrerank.admin.training.pack_command import pack

app = root()
app.command()(serve)
app.command()(rerank)
app.command()(bulk)
app.command()(doctor)
app.command()(demo)
app.command()(train)
models.app.command()(pack)
models.app.command()(average)
app.add_typer(models.app, name="models")
app.add_typer(bench, name="bench")
app.add_typer(postgres.app, name="postgres")
app.add_typer(opensearch.app, name="opensearch")
app.add_typer(elasticsearch.app, name="elasticsearch")


@app.command()
def version() -> None:
    """Print the version.

    Example: jrerank-admin version
    """
    print(__version__)


def main() -> None:
    """Run whichever command it is."""
    replace_what_cannot_be_shown(sys.stdout, sys.stderr)
    app()
