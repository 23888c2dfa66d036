"""From a command's context to the cluster that it is about."""

from __future__ import annotations

from collections.abc import Callable

import typer

from jrerank.admin.cluster.cluster import Cluster, DryRunCluster, LiveCluster
from jrerank.admin.cluster.connection import Connection

Connect = Callable[[], Connection]  # read when a command needs it: not all of a group do


def live_cluster(context: typer.Context) -> LiveCluster:
    """The cluster that the group's options name."""
    connect: Connect = context.obj
    return LiveCluster(connect())


def cluster_to_change(context: typer.Context, dry_run: bool, looks: bool = False) -> Cluster:
    """The cluster; or one that only prints, and that, unless it `looks`, asks nobody."""
    connect: Connect = context.obj
    connection = connect()
    if not dry_run:
        return LiveCluster(connection)
    return DryRunCluster(connection, LiveCluster(connection) if looks else None)


def speaker(dry_run: bool) -> Callable[[str], None]:
    """Says what was done; in a dry run, whose output is a script, nothing."""
    return (lambda text: None) if dry_run else print
