"""Our forward pass in torch, packed, against transformers one by one, in float32, with each kind of attention."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import flash_attention
from builders import unigram_tokenizer, write_checkpoint
from jrerank.domain import Window
from jrerank.engines.torch_packed import attention
from jrerank.engines.torch_packed.device_model import DeviceModel, Kernel, Variant
from jrerank.engines.torch_packed.packing import Bucket, Buckets, pack
from jrerank.models.checkpoint import Checkpoint, load_checkpoint
from jrerank.models.source import BUNDLED, open_checkpoint
from parity import (
    KINDS,
    TOLERANCE,
    Kind,
    modernbert_configurations,
    post_norm_kinds,
    random_window,
    reference,
    reference_logit,
)

CPU = torch.device("cpu")
LENGTHS = (1, 130, 1024, 2, 129, 16, 64, 7, 65, 511, 33)
KERNELS: tuple[Kernel, ...] = ("varlen", "padded", "each")


@pytest.fixture(scope="module", autouse=True)
def exact_flash_attention() -> Iterator[None]:
    """On a CPU, and in float32: CUDA's kernel takes half precision alone, whose rounding would hide a mistake."""
    with flash_attention.registered(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(attention, "_HALF", (torch.float32,))
        patch.setattr(attention, "_HEAD_DIM_MULTIPLE", 1)
        yield


def model_of(checkpoint: Checkpoint, kernel: Kernel) -> DeviceModel:
    variant = Variant(CPU, kernel, torch.float32)
    return DeviceModel.load(checkpoint.architecture, checkpoint.weights(), variant)


def logits(
    model: DeviceModel, windows: list[Window], passage_type: int, bucket: Bucket | None = None
) -> list[float]:
    batch = pack(windows, bucket or Buckets().fitting(windows), passage_type)
    packed: list[float] = model.logits(torch.from_numpy(batch.inputs), batch.bucket)[: batch.windows].tolist()
    return packed


def windows_of(checkpoint: Checkpoint, lengths: tuple[int, ...]) -> list[Window]:
    """Windows of these lengths where the model has positions for them, and no shorter than the special tokens."""
    overhead, most = checkpoint.layout.overhead_tokens, checkpoint.architecture.max_tokens
    passages = [min(max(length, overhead), most) - overhead for length in lengths]
    return [random_window(checkpoint, min(5, passage), passage - min(5, passage)) for passage in passages]


def check_parity(kind: Kind, lengths: tuple[int, ...]) -> None:
    with TemporaryDirectory() as temporary:
        folder = write_checkpoint(Path(temporary) / "model", *kind)
        checkpoint, judge = load_checkpoint(folder, "tiny"), reference(folder)
        models = [model_of(checkpoint, kernel) for kernel in KERNELS]
    windows, passage_type = windows_of(checkpoint, lengths), checkpoint.layout.passage_type
    expected = [reference_logit(judge, window, passage_type) for window in windows]
    for model in models:
        assert logits(model, windows, passage_type) == pytest.approx(expected, abs=TOLERANCE)


@pytest.mark.parametrize("name", KINDS)
def test_packed_logits_equal_those_of_transformers_one_by_one(name: str) -> None:
    check_parity(KINDS[name], LENGTHS)


@pytest.mark.parametrize("kernel", KERNELS)
def test_logits_of_the_bundled_model_equal_those_of_transformers(kernel: Kernel) -> None:
    checkpoint, judge = open_checkpoint("bundled"), reference(BUNDLED)
    windows = windows_of(checkpoint, LENGTHS)
    expected = [reference_logit(judge, window, 0) for window in windows]
    assert logits(model_of(checkpoint, kernel), windows, 0) == pytest.approx(expected, abs=TOLERANCE)


LENGTH = st.one_of(st.integers(1, 200), st.sampled_from([129, 130, 1024]))


@settings(max_examples=20, deadline=None, derandomize=True)
@given(
    kind=st.one_of(modernbert_configurations().map(lambda it: (it, unigram_tokenizer())), post_norm_kinds()),
    lengths=st.lists(LENGTH, min_size=1, max_size=6).map(tuple),
)
def test_packed_logits_of_any_configuration_equal_those_of_transformers(
    kind: Kind, lengths: tuple[int, ...]
) -> None:
    check_parity(kind, lengths)
