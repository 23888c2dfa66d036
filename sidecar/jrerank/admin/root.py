"""The command line that commands are put into."""

from __future__ import annotations

import typer


def root() -> typer.Typer:
    """`jrerank-admin` without its commands."""
    return typer.Typer(
        help="Runs, tries and checks the jrerank sidecar.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
