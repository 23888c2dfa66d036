"""`opensearch plugin`: path, build."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from jrerank.admin.options import plain_errors
from jrerank.errors import ConfigurationError, InvalidInput

if TYPE_CHECKING:
    from jrerank.admin.opensearch_node.releases import Release

app = typer.Typer(
    help="The zip that OpenSearch's own `opensearch-plugin install` takes.", no_args_is_help=True
)
ReleaseOption = Annotated[
    str, typer.Option("--opensearch-version", help="exactly the one that the nodes have")
]
_NEWEST = "3.8.0"


@app.command()
def path(opensearch_version: ReleaseOption = _NEWEST) -> None:
    """Print where the zip is that `build` has made.

    Example: jrerank-admin opensearch plugin path --opensearch-version 3.8.0
    """
    from jrerank.admin.opensearch_node.build import plugin_zip

    with plain_errors():
        made = plugin_zip(_release(opensearch_version))
        if not made.exists():
            raise ConfigurationError(
                f"not built yet: run `jrerank-admin opensearch plugin build --opensearch-version {opensearch_version}`"
            )
    print(made)


@app.command()
def build(opensearch_version: ReleaseOption = _NEWEST) -> None:
    """Build the zip with Maven and a JDK (17 for OpenSearch 2, 21 for 3), unless it is there already, and print its path.

    Example: jrerank-admin opensearch plugin build --opensearch-version 2.19.6
    """
    from jrerank.admin.opensearch_node.build import build_plugin

    with plain_errors():
        made = build_plugin(_release(opensearch_version))
    print(made)


def _release(version: str) -> Release:
    """Other releases of 2.19 and 3 are built from the same source, unseen."""
    from jrerank.admin.opensearch_node.releases import OPENSEARCH_2, OPENSEARCH_3, RELEASES

    if version in RELEASES:
        return RELEASES[version]
    if not re.fullmatch(r"3\.\d+\.\d+|2\.19\.\d+", version):
        raise InvalidInput(
            f"--opensearch-version {version}: the plugin is for 2.19 and 3, such as 3.8.0", field="version"
        )
    sys.stderr.write(f"note: tested are {' and '.join(RELEASES)}; {version} is built from the same source\n")
    return replace(OPENSEARCH_3 if version.startswith("3") else OPENSEARCH_2, version=version)
