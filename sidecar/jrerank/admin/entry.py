"""Entry point of the console script. A sidecar that starts does not wait for the modules of all other commands."""

from __future__ import annotations

import sys

from jrerank.admin.root import root
from jrerank.admin.serve import serve
from jrerank.admin.texts import replace_what_cannot_be_shown


def main() -> None:
    """Run the command that the process was started with."""
    if sys.argv[1:2] == ["serve"]:
        replace_what_cannot_be_shown(sys.stdout, sys.stderr)
        _serve_alone()
    else:
        from jrerank.admin import app

        app.main()


def _serve_alone() -> None:
    alone = root()
    alone.callback()(lambda: None)  # else the only command would have no name
    alone.command()(serve)
    alone()
