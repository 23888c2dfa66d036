"""The mean of two checkpoints' weights."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builders import tiny_config, unigram_tokenizer, write_checkpoint
from jrerank.errors import ConfigurationError, InvalidInput, JrerankError
from jrerank.models.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from jrerank.training.mean import Part, mean_of

COMMAND = "jrerank-admin models average first second mean"
TABLE = "| | |\n|---|---|\n| trained on | {data} |\n| licence | MIT |\n\n"
CARD = f"# run\n\n{TABLE}## Made by\n\n```sh\n{{command}}\n```\n\n## Dev set\n"


def checkpoint(folder: Path, scale: float, **changes: Any) -> Path:
    """One of a shape, with other weights for another `scale`."""
    made = load_checkpoint(write_checkpoint(folder, tiny_config(**changes)), "made")
    weights = {name: (scale * values).astype(np.float32) for name, values in made.weights().items()}
    save_checkpoint(folder, tiny_config(**changes), weights, unigram_tokenizer())
    return folder


def mean(first: Path, second: Path, folder: Path, share: float = 0.5) -> Checkpoint:
    return mean_of(Part(first, first.name, 1 - share), Part(second, second.name, share), folder, COMMAND)


@pytest.fixture
def first(tmp_path: Path) -> Path:
    return checkpoint(tmp_path / "first", 1.0)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=8, deadline=None)
@given(share=st.floats(0, 1), scale=st.floats(-2, 2))
def test_every_weight_is_between_the_two_by_their_shares(
    first: Path, tmp_path: Path, share: float, scale: float
) -> None:
    second = checkpoint(tmp_path / "second", scale)
    made = mean(first, second, tmp_path / "mean", share).weights()
    one, other = load_checkpoint(first, "first").weights(), load_checkpoint(second, "second").weights()
    assert made.keys() == one.keys()
    for name, values in made.items():
        np.testing.assert_allclose(values, (1 - share) * one[name] + share * other[name], atol=1e-6)


def test_the_mean_of_a_model_and_itself_is_that_model(first: Path, tmp_path: Path) -> None:
    made, same = mean(first, first, tmp_path / "mean"), load_checkpoint(first, "first")
    assert all(np.array_equal(values, same.weights()[name]) for name, values in made.weights().items())
    assert made.tokenizer.to_str() == same.tokenizer.to_str()


@pytest.mark.parametrize(
    ("changes", "named"),
    [({"num_hidden_layers": 2}, "num_layers"), ({"norm_eps": 0.5}, "norm_eps")],
)
def test_models_of_two_shapes_have_none(
    first: Path, tmp_path: Path, changes: dict[str, int], named: str
) -> None:
    second = checkpoint(tmp_path / "second", 1.0, **changes)
    with pytest.raises(
        ConfigurationError,
        match=rf"config.json of first and second: .*{named} is .* and {next(iter(changes.values()))}[;,]",
    ):
        mean(first, second, tmp_path / "mean")
    assert not (tmp_path / "mean").exists()


def test_nor_do_models_of_two_tokenizers(first: Path, tmp_path: Path) -> None:
    second = checkpoint(tmp_path / "second", 1.0)
    file = second / "tokenizer.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**content, "normalizer": {"type": "NFD"}}), encoding="utf-8")
    with pytest.raises(
        ConfigurationError, match=r"tokenizer.json of first and second: normalizer is .* and .*NFD"
    ):
        mean(first, second, tmp_path / "mean")


def test_a_tokenizer_in_the_words_of_an_older_release_is_the_same(first: Path, tmp_path: Path) -> None:
    second = checkpoint(tmp_path / "second", 2.0)
    file = second / "tokenizer.json"
    written = json.loads(file.read_text(encoding="utf-8"))
    for part in (written["pre_tokenizer"], written["decoder"]):
        part["add_prefix_space"] = part["prepend_scheme"] != "never"
    file.write_text(json.dumps(written), encoding="utf-8")
    mean(first, second, tmp_path / "mean")
    mean(tmp_path / "mean", second, tmp_path / "mean of a mean")


def test_what_says_nothing_of_the_model_may_differ(first: Path, tmp_path: Path) -> None:
    second = checkpoint(tmp_path / "second", 1.0)
    config = json.loads((second / "config.json").read_text(encoding="utf-8"))
    (second / "config.json").write_text(json.dumps({**config, "use_cache": False, "dtype": "float16"}))
    assert mean(first, second, tmp_path / "mean").folder == tmp_path / "mean"


def test_neither_of_the_two_is_written_over(first: Path, tmp_path: Path) -> None:
    second = checkpoint(tmp_path / "second", 2.0)
    with pytest.raises(InvalidInput, match="second is one of the two"):
        mean(first, second, second)


def test_what_the_first_recommends_the_mean_does(first: Path, tmp_path: Path) -> None:
    recommended = {"fusion": {"method": "linear", "weight": 0.4}, "window_tokens": 160}
    (first / "jrerank.json").write_text(json.dumps(recommended), encoding="utf-8")
    second = checkpoint(tmp_path / "second", 2.0)
    mean(first, second, tmp_path / "mean")
    assert json.loads((tmp_path / "mean" / "jrerank.json").read_text(encoding="utf-8")) == recommended
    mean(second, first, tmp_path / "other")
    assert not (tmp_path / "other" / "jrerank.json").exists()


def test_nothing_of_an_earlier_model_is_taken_for_the_means(first: Path, tmp_path: Path) -> None:
    """`modules.json` would even lead to that model's weights."""
    second, folder = checkpoint(tmp_path / "second", 2.0), tmp_path / "mean"
    earlier = checkpoint(folder / "within", 9.0)
    modules = [{"idx": 0, "name": "0", "path": "within", "type": "sentence_transformers.models.Transformer"}]
    (folder / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
    (folder / "jrerank.json").write_text('{"window_tokens": 160}', encoding="utf-8")
    (folder / "tokenizer_config.json").write_text("{}", encoding="utf-8")
    made = mean(first, second, folder)
    assert made.fingerprint == mean(first, second, tmp_path / "new").fingerprint
    assert made.fingerprint != load_checkpoint(earlier, "earlier").fingerprint
    assert {path.name for path in folder.iterdir()} - {"within"} == {
        path.name for path in (tmp_path / "new").iterdir()
    }


@pytest.mark.parametrize("name", ["file", "file/mean"])
def test_a_file_in_the_folders_place_is_told(name: str, first: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InvalidInput, match=r"file.* cannot be written") as refused:
        mean(first, checkpoint(tmp_path / "second", 2.0), tmp_path / name)
    assert (refused.value.field, (tmp_path / "file").read_text()) == ("folder", "mine")


def test_a_folder_that_is_none_is_told(first: Path, tmp_path: Path) -> None:
    with pytest.raises(JrerankError, match=r"config\.json"):
        mean(first, tmp_path, tmp_path / "mean")


def test_the_card_names_both_and_how_each_was_made(first: Path, tmp_path: Path) -> None:
    second = checkpoint(tmp_path / "second", 2.0)
    for folder, data in ((first, "JaQuAD"), (second, "JaQuAD, scenes")):
        card = CARD.format(data=data, command=f"jrerank-admin train {folder.name}")
        (folder / "README.md").write_text(card, encoding="utf-8")
    mean(first, second, tmp_path / "mean", 0.25)
    card = (tmp_path / "mean" / "README.md").read_text(encoding="utf-8")
    assert "| mean of | `first` (0.75) and `second` (0.25), by their weights |" in card
    assert "| trained on | JaQuAD; JaQuAD, scenes |" in card
    assert "| licence | MIT |" in card
    assert re.findall(r"## (Made by.*)\n\n```sh\n(.*)\n```", card) == [
        ("Made by", COMMAND),
        ("Made by (first)", "jrerank-admin train first"),
        ("Made by (second)", "jrerank-admin train second"),
    ]


def test_the_card_is_written_to_the_letter(first: Path, tmp_path: Path) -> None:
    second = checkpoint(tmp_path / "second", 2.0)
    card = CARD.format(data="JaQuAD", command="jrerank-admin train second")
    (second / "README.md").write_text(card, encoding="utf-8")
    made = mean(first, second, tmp_path / "mean")
    assert (tmp_path / "mean" / "README.md").read_text(encoding="utf-8") == (
        "---\nlanguage: ja\npipeline_tag: text-ranking\ntags: [cross-encoder, reranker]\n---\n# mean\n\n"
        "A cross-encoder for Japanese: the mean of the weights of two (Wortsman et al., 2022), made with\n"
        "`jrerank-admin models average`.\n\n"
        "| | |\n|---|---|\n"
        f"| architecture | `ModernBertForSequenceClassification`, {made.architecture.summary} |\n"
        "| mean of | `first` (0.5) and `second` (0.5), by their weights |\n| trained on | JaQuAD |\n| licence | MIT |\n\n"
        f"## Made by\n\n```sh\n{COMMAND}\n```\n\n"
        "## Made by (second)\n\n```sh\njrerank-admin train second\n```\n"
    )


def test_two_folders_of_one_name_are_numbered_and_keep_both_their_cards(tmp_path: Path) -> None:
    first, second = folders = [checkpoint(tmp_path / run / "model", 1.0) for run in ("a", "b")]
    for folder, data in zip(folders, ("JaQuAD", "scenes"), strict=True):
        card = CARD.format(data=data, command=f"jrerank-admin train model --data {data}")
        (folder / "README.md").write_text(card, encoding="utf-8")
    mean(first, second, tmp_path / "mean")
    card = (tmp_path / "mean" / "README.md").read_text(encoding="utf-8")
    assert "| mean of | `model (1)` (0.5) and `model (2)` (0.5), by their weights |" in card
    assert "| trained on | JaQuAD; scenes |" in card
    assert re.findall(r"## (Made by \(.*)\n\n```sh\n(.*)\n```", card) == [
        ("Made by (model (1))", "jrerank-admin train model --data JaQuAD"),
        ("Made by (model (2))", "jrerank-admin train model --data scenes"),
    ]
