"""The 75 forms of searches with and without the pipeline: same totals, aggregations, sort values, and the engine's own status.

With a default pipeline, a named one and none; from a cluster with the plugin and one without; where nodes of a cluster lack it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import httpx

from bench.opensearch.search_forms import Form, forms
from integration.opensearch.clusters import known_to_each_other, other_cluster
from integration.opensearch.corpus import PASSAGE_FIELDS, load
from integration.opensearch.fake import FakeSidecar
from integration.opensearch.search import Engine, Json
from jrerank.admin.opensearch_node.node import Node
from jrerank.admin.opensearch_node.releases import OPENSEARCH_2, OPENSEARCH_3, Release

NO_PIPELINE = {"search_pipeline": "_none"}
# What may differ, as it does between two runs of the same search
VOLATILE = {"took", "profile", "_scroll_id", "ext", "hits", "_clusters"}


@dataclass(frozen=True)
class Way:
    """Where a search is asked, of which indexes in place of `docs`, and by which parameters of its URL."""

    engine: Engine
    index: str = "docs"
    parameters: Mapping[str, str] = field(default_factory=lambda: NO_PIPELINE)

    def ask(self, form: Form) -> httpx.Response:
        """The engine's response."""
        index = self.index if form.index == "docs" else form.index
        parameters = {**form.parameters, **self.parameters}
        return self.engine.http.post(f"/{index}/_search", json=form.body, params=parameters)


def main() -> int:
    """How many answers differ."""
    sidecar = FakeSidecar()
    sidecar.start()
    try:
        return sum(_of_release(release, sidecar) for release in (OPENSEARCH_3, OPENSEARCH_2))
    finally:
        sidecar.kill()


def _of_release(release: Release, sidecar: FakeSidecar) -> int:
    settings = {"jrerank.endpoint.main.urls": sidecar.url}
    with Node(release, settings) as node, Engine(node.url) as home:
        _put_pipeline(home)
        load(home, "docs", kuromoji=bool(release.plugins), default_pipeline="rerank")
        home.put_pipeline("page", None, PASSAGE_FIELDS, endpoint="main", timeout_ms=5_000)
        different = _compare(f"{release.version}, default pipeline", Way(home), Way(home, parameters={}))
        page = _named(home, "page")
        different += _compare(
            f"{release.version}, a pipeline without a window", Way(home), page, is_same_page=True
        )
        different += _check_none(release, home, sidecar)
        return different + (_between_clusters(home, sidecar) if release is OPENSEARCH_3 else 0)


def _between_clusters(home: Engine, sidecar: FakeSidecar) -> int:
    with other_cluster(sidecar.url, _put_pipeline) as other, known_to_each_other(home, other.plugged):
        load(other.plugged, "docs", kuromoji=True, default_pipeline="rerank")
        for engine in (other.plugged, other.bare):
            engine.http.get("_cluster/health?wait_for_status=green&timeout=60s")
        mixed = other.plugged
        different = _compare("nodes with and without it", Way(mixed), Way(mixed, parameters={}))
        both = "docs,other:docs"
        for minimize in ("true", "false"):
            how = {"ccs_minimize_roundtrips": minimize}
            plain = Way(home, both, {**NO_PIPELINE, **how})
            different += _compare(f"two clusters with it, roundtrips {minimize}", plain, Way(home, both, how))
            plain = Way(other.bare, "home:docs", {**NO_PIPELINE, **how})
            ours = Way(other.bare, "home:docs", how)
            different += _compare(f"from one without it, roundtrips {minimize}", plain, ours)
        return different


def _named(engine: Engine, pipeline: str) -> Way:
    return Way(engine, parameters={"search_pipeline": pipeline})


def _put_pipeline(engine: Engine) -> None:
    engine.put_pipeline("rerank", endpoint="main", passage_fields=PASSAGE_FIELDS, timeout_ms=5_000)


def _check_none(release: Release, engine: Engine, sidecar: FakeSidecar) -> int:
    before = sidecar.asked()["requests"]
    for form in forms().values():
        Way(engine).ask(form)
    asked = sidecar.asked()["requests"] - before
    print(f"  {release.version}, _none: the sidecar was asked {asked} times", flush=True)
    return int(asked)


def _compare(name: str, plain: Way, ours: Way, *, is_same_page: bool = False) -> int:
    every, seen = forms(), Counter[str]()
    for form, asked in every.items():
        before, after = plain.ask(asked), ours.ask(asked)
        seen[_kind(after)] += 1
        if differences := _differences(before, after, is_same_page):
            seen["different"] += 1
            print(f"    {form}: {'; '.join(differences)}", flush=True)
    kinds = ", ".join(f"{count} {kind}" for kind, count in seen.items())
    print(
        f"  {name}: {len(every) - seen['different']} of {len(every)} forms are the same ({kinds})", flush=True
    )
    return seen["different"]


def _kind(response: httpx.Response) -> str:
    if response.status_code != 200:
        return f"refused with {response.status_code}"
    return "reranked" if _is_reranked(response.json()) else "as the engine had them"


def _is_reranked(answer: Json) -> bool:
    return bool(answer.get("ext", {}).get("jrerank", {}).get("reranked"))


def _differences(plain: httpx.Response, ours: httpx.Response, is_same_page: bool) -> list[str]:
    if plain.status_code != ours.status_code:
        return [f"status {ours.status_code} for {plain.status_code}: {ours.text[:300]}"]
    if plain.status_code != 200:
        return []
    before, after = plain.json(), ours.json()
    checks: dict[str, Callable[[Json], object]] = {
        "all but the hits": _beside_hits,
        "total": lambda answer: answer["hits"].get("total"),
        "number of hits": lambda answer: len(answer["hits"]["hits"]),
        "profile": lambda answer: bool(answer.get("profile")),
    }
    if not _is_reranked(after):
        checks["hits and sort values"] = _hits
    elif is_same_page or _is_whole(before):
        checks["ids"] = _ids
    return [
        f"{name}: {str(check(after))[:200]} for {str(check(before))[:200]}"
        for name, check in checks.items()
        if check(before) != check(after)
    ]


def _beside_hits(answer: Json) -> Json:
    return {name: value for name, value in answer.items() if name not in VOLATILE}


def _is_whole(answer: Json) -> bool:
    """Whether the page holds all that was found: reranked, it is the same hits."""
    total = answer["hits"].get("total")
    return bool(total == {"value": len(answer["hits"]["hits"]), "relation": "eq"})


def _ids(answer: Json) -> list[tuple[str, str]]:
    return sorted((str(hit.get("_index")), str(hit.get("_id"))) for hit in answer["hits"]["hits"])


def _hits(answer: Json) -> list[object]:
    shown = ("_id", "_score", "sort", "fields")
    return [[hit.get(name) for name in shown] for hit in answer["hits"]["hits"]]
