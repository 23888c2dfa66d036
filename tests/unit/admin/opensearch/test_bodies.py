"""Bodies are JSON files with named places."""

from __future__ import annotations

import json
import re

import pytest

from jrerank.admin.opensearch.bodies import body
from jrerank.shipped import shipped

INDEX = "opensearch/bodies/index.json"
FILES = sorted(shipped("connectors").glob("*/bodies/*.json"))


def index(**values: object) -> dict[str, object]:
    nothing = dict.fromkeys(["shards", "replicas", "knn", "default_pipeline", "analyzer", "properties"])
    return body(INDEX, **{**nothing, **values})


def test_a_place_alone_takes_the_value_with_its_type() -> None:
    assert index(shards=3) == {"settings": {"index": {"number_of_shards": 3}}}
    assert index(properties={"v": {}}) == {"mappings": {"properties": {"v": {}}}}


def test_what_has_no_value_is_left_out_with_all_that_it_leaves_empty() -> None:
    assert index() == {}


def test_a_place_in_a_text_or_a_key_takes_its_text() -> None:
    made = body("elasticsearch/bodies/retriever.json", field="body", query="山", inference_id="i", window=5)
    inner = made["retriever"]["text_similarity_reranker"]
    assert inner["retriever"] == {"standard": {"query": {"match": {"body": "山"}}}}
    assert inner["rank_window_size"] == 5


def test_an_empty_object_of_the_file_stays() -> None:
    made = body(
        "opensearch/bodies/stock-pipeline.json",
        description="d",
        oversample=2,
        model_id="m",
        passage_fields=["a"],
    )
    assert made["response_processors"][1] == {"truncate_hits": {}}


def test_a_place_that_nobody_fills_is_an_error() -> None:
    with pytest.raises(KeyError):
        body(INDEX)


def test_places_of_ml_commons_are_not_ours() -> None:
    text = (shipped("connectors") / "opensearch/bodies/stock-connector.json").read_text(encoding="utf-8")
    assert "${parameters.documents}" in text


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_file_is_json_whose_places_have_names(file: object) -> None:
    text = file.read_text(encoding="utf-8")  # type: ignore[attr-defined]
    assert json.loads(text)
    assert re.findall(r"<[a-z_]+>", text)
