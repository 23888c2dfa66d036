"""Reads a `config.json`: what a key holds, or an error that names the key and the value."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from jrerank.errors import UnsupportedModel

Activation = Literal["gelu", "gelu_pytorch_tanh", "relu"]
# transformers' names for the exact GELU, for its approximation by tanh, and for ReLU
_ACTIVATIONS: Mapping[str, Activation] = {
    "gelu": "gelu",
    "gelu_python": "gelu",
    "gelu_pytorch_tanh": "gelu_pytorch_tanh",
    "gelu_python_tanh": "gelu_pytorch_tanh",
    "gelu_new": "gelu_pytorch_tanh",
    "gelu_fast": "gelu_pytorch_tanh",
    "gelu_accurate": "gelu_pytorch_tanh",
    "relu": "relu",
}
# A score is the sigmoid of the logit whichever of these a sentence-transformers folder names: neither changes the order
_SCORE_ACTIVATIONS = ("Sigmoid", "Identity")
# What graphs and tensors count with
LARGEST = 2**31 - 1
# Far beyond any encoder, and still listed at once: before the weights are looked at, each layer's tensors are
MOST_LAYERS = 1000


@dataclass(frozen=True, slots=True)
class ConfigReader:
    """Typed access to a parsed `config.json`. A key that is null counts as left out.

    Raises:
        UnsupportedModel: (each method) the value is not of the kind, or not one that jrerank knows.
    """

    content: Mapping[str, object]

    def value(self, key: str, default: object) -> object:
        """What the key holds, or `default`."""
        value = self.content.get(key)
        return default if value is None else value

    def check_one_label(self) -> None:
        """A reranker gives one logit."""
        names = self.value("id2label", {"0": ""})
        labels = self.value("num_labels", len(names) if isinstance(names, Mapping) else names)
        if labels != 1:
            raise UnsupportedModel(f"the model has {labels} labels; a reranker has one")

    def check_score_activation(self) -> None:
        """sentence-transformers says in the configuration what a CrossEncoder puts behind the logit."""
        nested = self.value("sentence_transformers", {})
        if isinstance(nested, Mapping):
            check_score_activation(nested.get("activation_fn"))
        check_score_activation(self.content.get("sbert_ce_default_activation_function"))

    def refuse(self, key: str, what: str, *harmless: object) -> None:
        """An error if the key holds something that would change the model."""
        value = self.content.get(key)
        if value and value not in harmless:
            raise UnsupportedModel(f"{key} {value!r}: {what} not supported")

    def integer(self, key: str, default: int, *, least: int = 1, most: int = LARGEST) -> int:
        """A whole number of at least `least` and at most `most`."""
        value = self.value(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            kind = "a positive integer" if least == 1 else f"an integer of at least {least}"
            raise UnsupportedModel(f"{key} must be {kind}, not {value!r}")
        if value > most:
            raise UnsupportedModel(f"{key} must be at most {most}, not {value}")
        return value

    def layers(self, default: int) -> int:
        """How many layers there are."""
        return self.integer("num_hidden_layers", default, most=MOST_LAYERS)

    def number(self, key: str, default: float) -> float:
        """A finite number above 0."""
        value = self.value(key, default)
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 < value < math.inf:
            raise UnsupportedModel(f"{key} must be a positive number, not {value!r}")
        return float(value)

    def boolean(self, key: str) -> bool:
        """True or false; false if left out."""
        value = self.value(key, False)
        if not isinstance(value, bool):
            raise UnsupportedModel(f"{key} must be true or false, not {value!r}")
        return value

    def activation(self, key: str) -> Activation:
        """An activation by transformers' name for it."""
        value = self.value(key, "gelu")
        if not isinstance(value, str) or value not in _ACTIVATIONS:
            raise UnsupportedModel(f"{key} {value!r} is not supported; {', '.join(_ACTIVATIONS)} are")
        return _ACTIVATIONS[value]

    def special_ids(self) -> frozenset[int]:
        """Every id that is named as begin, end or separator; some configurations list several."""
        keys = ("bos_token_id", "cls_token_id", "eos_token_id", "sep_token_id")
        return frozenset(id for key in keys for id in self._token_ids(key))

    def _token_ids(self, key: str) -> list[int]:
        value = self.value(key, [])
        ids = []
        for id in value if isinstance(value, list) else [value]:
            if not isinstance(id, int) or isinstance(id, bool) or id < 0:
                raise UnsupportedModel(f"{key} must be a token id, not {value!r}")
            ids.append(id)
        return ids


def check_score_activation(name: object) -> None:
    """An error unless a score behind this activation, None if none is named, orders hits as their logits do.

    Raises:
        UnsupportedModel: it may not.
    """
    if name is not None and str(name).rpartition(".")[2] not in _SCORE_ACTIVATIONS:
        raise UnsupportedModel(
            f"the activation behind the logit is {name!r}; {' and '.join(_SCORE_ACTIVATIONS)} are supported"
        )
