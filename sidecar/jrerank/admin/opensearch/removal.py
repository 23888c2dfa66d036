"""What `setup` has made, taken away again."""

from __future__ import annotations

from collections.abc import Callable

from jrerank.admin.cluster.cluster import Cluster
from jrerank.admin.opensearch.existing import check_made_by_setup
from jrerank.admin.opensearch.ml_commons import connectors_named, models_named
from jrerank.admin.opensearch.pipelines import (
    delete_pipeline,
    find_pipeline,
    indexes_by_default,
    make_default,
    route_of,
)
from jrerank.admin.opensearch.stock_route import object_name, remove_stock
from jrerank.errors import Refused

_UNDEPLOY_TIMEOUT_S = 60.0
_NO_HANDLER = 400  # what a cluster without ML Commons says of its paths


def remove(
    cluster: Cluster, pipeline: str, force: bool, with_settings: bool, say: Callable[[str], object]
) -> None:
    """First the defaults, so that no search meets a pipeline that is gone; harmless when nothing is there.

    Not `with_settings`: what to take out of the cluster settings is said, and left to their operator.

    Raises:
        InvalidInput: the pipeline of that name was made by hand; by `force`, only if it has no processor of ours.
    """
    if not force:
        check_made_by_setup(cluster, pipeline, "take it away by --force if nobody needs it")
    found = find_pipeline(cluster, pipeline)
    route = None if found is None else route_of(pipeline, found)
    for index in indexes_by_default(cluster, pipeline):
        make_default(cluster, index, None)
        say(f"default   {index} has none any more")
    if found is not None:
        delete_pipeline(cluster, pipeline)
        say(f"pipeline  {pipeline} removed")
    if route == "stock" or _has_remains(cluster, pipeline):
        remove_stock(cluster, pipeline, with_settings, _UNDEPLOY_TIMEOUT_S, say)
    elif found is None:
        say(f"nothing   is there of {pipeline}")


def _has_remains(cluster: Cluster, pipeline: str) -> bool:
    """Of a setup that was cut off before it wrote the pipeline, or of the route that this pipeline took before."""
    name = object_name(pipeline)
    try:
        return bool(models_named(cluster, name) or connectors_named(cluster, name))
    except Refused as refused:
        if refused.status == _NO_HANDLER:
            return False
        message = f"whether models or connectors of {pipeline} are left is unknown: {refused}"
        raise Refused(message, status=refused.status) from None
