"""A transformers cross-encoder and its tokenizer: texts in, logits out, with gradients."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from tokenizers import Encoding, Tokenizer
from torch import Tensor, nn
from transformers import AutoModelForSequenceClassification, PreTrainedModel

from jrerank.cpu import CpuFeatures, cpu_features
from jrerank.errors import ConfigurationError, InvalidInput
from jrerank.models.json_file import read_json
from jrerank.models.recommendation import keep_window_tokens
from jrerank.training.attention import BF16_ATTENTION

_CONFIG, _TOKENIZER, _TOKENIZER_CONFIG = "config.json", "tokenizer.json", "tokenizer_config.json"
# On a CPU what a small batch computes stays in the core's cache: a Zen 4 core trains a five-layer e5 at 2,420 tokens/s with 512
# tokens a batch, 2,080 with 2,048, 1,750 with 4,096. AMX multiplies so fast that casting the weights once a batch counts: 4,460
# with 512, 5,490 with 1,024, 5,690 with 2,048. A GPU has to be kept busy.
_CPU_BATCH_TOKENS, _AMX_BATCH_TOKENS, _GPU_BATCH_TOKENS = 512, 2048, 8192
_UNLIMITED = 1 << 20


@dataclass(frozen=True, slots=True)
class Scorer:
    """`autocast` is the type that matrices are multiplied in, None for the weights' own; `batch_tokens` counts padding.

    `positions` is the longest pair that the model has positions for, whatever `max_tokens` says.
    """

    model: PreTrainedModel
    tokenizer: Tokenizer
    max_tokens: int
    autocast: torch.dtype | None = None
    batch_tokens: int = _CPU_BATCH_TOKENS
    positions: int = _UNLIMITED

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        device: torch.device = next(self.model.parameters()).device
        return device

    def on(self, device: torch.device, autocast: torch.dtype | None) -> Scorer:
        """The same model there, multiplying matrices in that type, in batches of a size that suits the device."""
        self.model.to(device)
        if device.type == "cpu" and autocast is torch.bfloat16:
            self.model.set_attn_implementation(BF16_ATTENTION)
        return replace(
            self, autocast=autocast, batch_tokens=batch_tokens_for(device, autocast, cpu_features())
        )

    def frozen(self) -> Scorer:
        """Without gradients and dropout, as a teacher is."""
        self.model.requires_grad_(False).eval()
        return self

    def encode(self, pairs: Sequence[tuple[str, str]], max_tokens: int | None = None) -> list[Encoding]:
        """Tokens of each pair; a passage that is too long loses its end."""
        limit = min(max_tokens or self.max_tokens, self.positions)
        self.tokenizer.enable_truncation(limit, strategy="only_second")
        self.tokenizer.no_padding()
        return self.tokenizer.encode_batch([(question[:120], text) for question, text in pairs])

    def logits(self, encodings: Sequence[Encoding]) -> Tensor:
        """One for each pair, in order: shape `(pairs,)`. Pairs of like length are batched."""
        order = sorted(range(len(encodings)), key=lambda i: len(encodings[i]))
        parts = [self._forward([encodings[i] for i in batch]) for batch in self._batches(encodings, order)]
        place = torch.tensor(order, device=self.device)
        return torch.cat(parts)[torch.argsort(place)]

    @torch.no_grad()
    def score(self, pairs: Sequence[tuple[str, str]], max_tokens: int | None = None) -> list[float]:
        """Logits without gradients."""
        training = self.model.training
        self.model.eval()
        try:
            return self.logits(self.encode(pairs, max_tokens)).tolist() if pairs else []
        finally:
            self.model.train(training)

    def _batches(self, encodings: Sequence[Encoding], order: Sequence[int]) -> Iterator[list[int]]:
        batch: list[int] = []
        for i in order:
            if batch and (len(batch) + 1) * len(encodings[i]) > self.batch_tokens:
                yield batch
                batch = []
            batch.append(i)
        if batch:
            yield batch

    def _forward(self, encodings: Sequence[Encoding]) -> Tensor:
        width = max(map(len, encodings))
        pad = self.model.config.pad_token_id or 0
        ids = [e.ids + [pad] * (width - len(e)) for e in encodings]
        mask = [e.attention_mask + [0] * (width - len(e)) for e in encodings]
        inputs = {"input_ids": ids, "attention_mask": mask}
        for name in _type_names(self.model.config.model_type):
            inputs[name] = [e.type_ids + [0] * (width - len(e)) for e in encodings]
        tensors = {name: torch.tensor(rows, device=self.device) for name, rows in inputs.items()}
        with torch.autocast(self.device.type, self.autocast, enabled=self.autocast is not None):
            logits: Tensor = self.model(**tensors).logits
        return logits.float().squeeze(-1)


def batch_tokens_for(device: torch.device, autocast: torch.dtype | None, cpu: CpuFeatures) -> int:
    """With how many tokens a batch the device is fastest."""
    if device.type != "cpu":
        return _GPU_BATCH_TOKENS
    return _AMX_BATCH_TOKENS if cpu.amx_bf16 and autocast is torch.bfloat16 else _CPU_BATCH_TOKENS


def open_scorer(folder: Path, max_tokens: int, layers: Sequence[int] = ()) -> Scorer:
    """A model to be trained, as float32; of `layers`, counted from 0, where they are given.

    Raises:
        ConfigurationError: no such folder, no model of one score in it, or no such layer.
    """
    if not (folder / _CONFIG).is_file() or not (folder / _TOKENIZER).is_file():
        raise ConfigurationError(f"{folder} has no {_CONFIG} and {_TOKENIZER}")
    try:
        model = _model(folder)
        tokenizer = Tokenizer.from_file(str(folder / _TOKENIZER))
    except Exception as error:  # transformers, safetensors and tokenizers raise what they like
        raise ConfigurationError(
            f"{folder} can't be opened as a reranker: {_reason(folder, error)}"
        ) from error
    if layers:
        keep_layers(model, layers)
    return Scorer(model, tokenizer, max_tokens, positions=_positions(model))


def _model(folder: Path) -> PreTrainedModel:
    """Eager: on a CPU the backward pass of torch's fused attention takes a quarter longer in all (measured)."""
    model: PreTrainedModel = AutoModelForSequenceClassification.from_pretrained(
        folder, num_labels=1, dtype=torch.float32, attn_implementation="eager"
    )
    return model


def _reason(folder: Path, error: Exception) -> str:
    """In a line. A head of more labels shows in the shapes of its weights alone: a model without a head has two by default."""
    labels = read_json(folder / _CONFIG).get("id2label")
    if "mismatch" in str(error) and isinstance(labels, dict) and len(labels) > 1:
        return f"it has {len(labels)} labels, and a reranker one score; give a model of one label, or one without a head"
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return f"{lines[0]}; give the folder of a whole model"


def _positions(model: PreTrainedModel) -> int:
    """RoBERTa's positions begin behind that of padding."""
    config = model.config
    first = config.pad_token_id + 1 if "roberta" in config.model_type else 0
    rows = getattr(config, "max_position_embeddings", None)
    return rows - first if rows else _UNLIMITED


def check_apart(folder: Path, source: Path) -> None:
    """What is read is not written over: it would be lost to a run that is stopped, and can't be gone back to.

    Raises:
        InvalidInput: the two are one folder.
    """
    if folder.resolve() == source.resolve():
        raise InvalidInput(f"{folder} is the model that is read: give another folder", field="folder")


def keep_layers(model: PreTrainedModel, layers: Sequence[int]) -> None:
    """Drop all other layers: a student begins as a part of its teacher.

    Raises:
        ConfigurationError: the model has no such layer, or one is named twice.
    """
    base = model.base_model
    parent = base.encoder if hasattr(base, "encoder") else base
    name = "layer" if hasattr(parent, "layer") else "layers"
    old: nn.ModuleList = getattr(parent, name)
    if len(set(layers)) < len(layers):
        raise ConfigurationError(f"layers {list(layers)}: one is named twice, and can be kept once")
    if any(not 0 <= i < len(old) for i in layers):
        raise ConfigurationError(f"layers {list(layers)}: the model has layers 0 to {len(old) - 1}")
    if model.config.model_type == "modernbert" and layers[0] != 0:
        raise ConfigurationError(
            f"layers {list(layers)}: ModernBERT's first layer has no norm, and has to stay first"
        )
    setattr(parent, name, nn.ModuleList(old[i] for i in layers))
    model.config.num_hidden_layers = len(layers)
    if types := getattr(model.config, "layer_types", None):
        model.config.layer_types = [types[i] for i in layers]


def save_scorer(scorer: Scorer, folder: Path, source: Path, dtype: torch.dtype = torch.float32) -> None:
    """Write a folder that transformers, CrossEncoder and `--model` open.

    Raises:
        InvalidInput: `folder` is `source`.
    """
    check_apart(folder, source)
    folder.mkdir(parents=True, exist_ok=True)
    model = scorer.model
    weights = {name: tensor.detach().to(dtype) for name, tensor in model.state_dict().items()}
    model.save_pretrained(folder, state_dict=weights)
    for file in folder.glob(
        "*.safetensors"
    ):  # written for the owner alone, who need not be the one that serves it
        file.chmod((folder / _CONFIG).stat().st_mode)
    keep_window_tokens(source, folder)
    shutil.copyfile(source / _TOKENIZER, folder / _TOKENIZER)
    if (source / _TOKENIZER_CONFIG).is_file():
        shutil.copyfile(source / _TOKENIZER_CONFIG, folder / _TOKENIZER_CONFIG)
    else:
        (folder / _TOKENIZER_CONFIG).write_text(json.dumps(_tokenizer_config(scorer)), encoding="utf-8")
    config = json.loads((folder / _CONFIG).read_text(encoding="utf-8"))
    config["dtype"] = "float32"  # what transformers computes in, whatever is stored
    (folder / _CONFIG).write_text(json.dumps(config, indent=1, ensure_ascii=False), encoding="utf-8")


def _tokenizer_config(scorer: Scorer) -> dict[str, object]:
    """What transformers asks for beside `tokenizer.json`: its class, and which tokens are special."""
    config = scorer.model.config
    ids = {name: getattr(config, f"{name}_token_id", None) for name in ("bos", "eos", "pad", "cls", "sep")}
    tokens = {f"{name}_token": scorer.tokenizer.id_to_token(id) for name, id in ids.items() if id is not None}
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_input_names": ["input_ids", "attention_mask", *_type_names(config.model_type)],
        **{name: token for name, token in tokens.items() if token is not None},
    }


def _type_names(model_type: str) -> list[str]:
    """BERT is told which half a token is of."""
    return ["token_type_ids"] if model_type == "bert" else []
