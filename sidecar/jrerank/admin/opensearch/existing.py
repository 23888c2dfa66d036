"""What a cluster has already, and `setup` must not spoil: pipelines made by hand, indexes that lack the passage fields."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jrerank.admin.cluster.cluster import Cluster
from jrerank.admin.opensearch.pipelines import Route, find_pipeline, passage_fields, processor
from jrerank.errors import InvalidInput
from jrerank.stores.opensearch.mappings import field_types

DESCRIPTIONS: dict[Route, str] = {
    "plugin": "reranks with jrerank, by the plugin",
    "stock": "reranks with jrerank, by ML Commons",
}
_OBJECTS = {"object", "nested", "flat_object", "join"}


def check_made_by_setup(cluster: Cluster, name: str, otherwise: str) -> None:
    """A pipeline of that name is one of `setup`, or there is none.

    Raises:
        InvalidInput: it was made by hand; the message ends with what to do `otherwise`.
    """
    found = find_pipeline(cluster, name)
    if found is not None and found.get("description") not in DESCRIPTIONS.values():
        raise InvalidInput(
            f"the search pipeline {name} was not made by setup: look at it by "
            f"`jrerank-admin opensearch pipeline show --pipeline {name}`, then {otherwise}",
            field="pipeline",
        )


def fields_in_use(cluster: Cluster, name: str) -> tuple[str, ...]:
    """The passage fields of the pipeline as it is; none where it reads by a store, or is not there."""
    found = find_pipeline(cluster, name)
    is_read = found is not None and "store" not in (processor(found, "jrerank") or {})
    return tuple(passage_fields(found)) if found is not None and is_read else ()


def check_fields(cluster: Cluster, indexes: Sequence[str], fields: Sequence[str]) -> None:
    """Every field holds text in every index.

    Raises:
        InvalidInput: one does not; the message names it, its index and the fields that would do.
    """
    for index in indexes:
        for problem in problems_of_fields(cluster, index, fields):
            raise InvalidInput(f"{problem}; name others by --field, or go on by --force", field="field")


def problems_of_fields(cluster: Cluster, index: str, fields: Sequence[str]) -> Iterator[str]:
    """What is wrong with the passage fields of an index; nothing where it has no mapping to look at."""
    for concrete, found in (cluster.look(f"/{index}/_mapping") or {}).items():
        types = field_types([found.get("mappings", {}).get("properties")])
        texts = sorted(path for path, kind in types.items() if kind == "text")
        for field in fields:
            is_object = any(path.startswith(f"{field}.") for path in types)
            if types.get(field) in _OBJECTS or (is_object and field not in types):
                yield f"{field} is an object in {concrete}, not a text (texts: {', '.join(texts) or 'none'})"
            elif field not in types:
                yield f"{concrete} has no field {field} (texts: {', '.join(texts) or 'none'})"
